"""Sizes and shapes: modules, functions, parameters, docstrings, imports."""

import ast
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from models import migrations
from tests.architecture.source import SourceFile, python_files

MODULE_LINES = 400
TEST_MODULE_LINES = 500
FUNCTION_LINES = 60
RULE_FUNCTION_LINES = 25
PARAMETERS = 6
SOURCES = python_files()
EVERYTHING = python_files(tests=True)


def named(source: SourceFile) -> str:
    return source.name


@pytest.mark.parametrize("source", EVERYTHING, ids=named)
def test_a_module_stays_readable_in_one_sitting(source: SourceFile) -> None:
    allowed = TEST_MODULE_LINES if source.layer == "tests" else MODULE_LINES
    assert len(source.text.splitlines()) <= allowed


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_a_function_fits_its_limit(source: SourceFile) -> None:
    allowed = RULE_FUNCTION_LINES if source.layer == "rules" else FUNCTION_LINES
    long = {f.name: n for f in source.functions() if (n := (f.end_lineno or 0) - f.lineno + 1) > allowed}
    assert not long, f"longer than {allowed} lines"


@pytest.mark.parametrize("source", [s for s in SOURCES if not s.name.startswith(("cli/", "api/routes/"))], ids=named)
def test_a_function_takes_few_parameters(source: SourceFile) -> None:
    wide = {}
    for function in source.functions():
        given = function.args
        names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in {"self", "cls"}]
        if len(names) > PARAMETERS:
            wide[function.name] = names
    assert not wide, f"more than {PARAMETERS} parameters: pass one command object"


@pytest.mark.parametrize("source", EVERYTHING, ids=named)
def test_a_module_opens_with_its_purpose(source: SourceFile) -> None:
    if source.text.strip():
        assert ast.get_docstring(source.tree), "the first line of a module says what it is for"


@pytest.mark.parametrize("source", [s for s in SOURCES if s.layer != "cli"], ids=named)
def test_imports_stand_at_the_top(source: SourceFile) -> None:
    hidden = [
        f"{function.name}:{node.lineno}"
        for function in source.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, "no import inside a function (cli loads its commands lazily and is excepted)"


def test_migrations_stand_in_one_line() -> None:
    """Two with one number, or two after the same one, and no database can be brought up to date any more."""
    folder = ScriptDirectory(str(Path(migrations.__file__).parent))
    line = [(one.revision, Path(one.path).name[:4]) for one in folder.walk_revisions()]
    assert len(folder.get_heads()) == 1
    assert all(revision == number for revision, number in line)
    assert len(line) == len(list(Path(folder.versions).glob("0*.py")))
