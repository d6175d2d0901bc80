"""The front door: commands are found by name and loaded one at a time."""

import ast
from pathlib import Path

import pytest

import cli


def test_without_arguments_the_commands_are_listed_and_the_status_says_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main([])
    assert exit_.value.code == 2
    assert "Usage: handrail COMMAND" in capsys.readouterr().out


def test_help_lists_every_command_with_its_first_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert exit_.value.code == 0
    for name, file in cli.commands().items():
        assert name in shown
        assert (ast.get_docstring(ast.parse(file.read_text())) or "?").partition("\n")[0] in shown


def test_an_unknown_command_says_what_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["evaluat"])
    assert exit_.value.code == 2
    assert "there is no command 'evaluat'" in capsys.readouterr().err


def test_reserved_words_lose_their_underscore() -> None:
    assert all(not name.endswith("_") for name in cli.commands())
    assert all(isinstance(file, Path) and file.exists() for file in cli.commands().values())
