"""Documents kept true: map, glossary, decisions, lock file, top-level names."""

import ast
import re
from importlib import metadata
from pathlib import Path

import pytest

from tests.architecture.draw_map import TARGET, drawn
from tests.architecture.source import LAYERS, ROOT, python_files, tracked

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def test_the_map_is_the_code() -> None:
    assert TARGET.read_text() == drawn(), "run `make map`"


def test_every_status_word_is_in_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text().lower()
    words = {
        node.name
        for source in python_files()
        if source.layer == "rules"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "StrEnum" for b in node.bases)
    }
    spoken = {w: re.sub(r"(?<!^)(?=[A-Z])", " ", w).lower() for w in words}
    assert not [w for w, said in spoken.items() if f"**{said}**" not in glossary], (
        "a new word enters docs/glossary.md first"
    )


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda p: p.name)
def test_a_decision_is_short_and_names_the_test_that_holds_it(decision: Path) -> None:
    text = decision.read_text()
    assert len(text.splitlines()) <= 70
    enforced = re.findall(r"`(tests/[\w/]+\.py)`", text)
    assert enforced, "name the enforcing test"
    assert not [name for name in enforced if not (ROOT / name).exists()]


def test_every_decision_has_a_number_of_its_own() -> None:
    assert [name.name[:4] for name in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


def test_the_lock_holds_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock


def test_no_tracked_file_names_a_package_registry_or_this_machine() -> None:
    # The patterns are put together here so that this file does not contain them itself.
    banned = re.compile(
        "|".join(
            [
                "index" + "-url",
                "/sim" + "ple/",
                "files.python" + "hosted",
                "registry.npm" + "js",
                "/wo" + "rk/",
                "/fa" + "rm/",
            ]
        )
    )
    found = []
    for name in tracked():
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{i}" for i, line in enumerate(text.splitlines(), 1) if banned.search(line)]
    assert not found


def test_lock_files_with_addresses_are_never_committed() -> None:
    assert not {"uv.lock", "pylock.toml"} & {name.rsplit("/", 1)[-1] for name in tracked()}


def test_our_top_level_names_belong_to_us() -> None:
    owners = metadata.packages_distributions()
    foreign = {
        name: owners[name]
        for name in (*LAYERS, "server", "settings", "worker")
        if set(owners.get(name, [])) - {"handrail"}
    }
    assert not foreign
