"""The threat model names a test for each threat, and each of them exists."""

import ast
import re

from tests.architecture.source import ROOT

DOCUMENT = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def rows() -> list[tuple[str, str]]:
    """Every threat with what stands in its last column."""
    found = []
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3 and cells[0] != "threat":
            found.append((cells[0], cells[2]))
    return found


def test_every_threat_names_a_test_or_says_why_it_has_none() -> None:
    assert len(rows()) > 30
    assert not [threat for threat, tests in rows() if not NAMED.search(tests) and "by hand" not in tests]


def test_each_of_them_exists() -> None:
    missing = []
    for file, name in NAMED.findall(DOCUMENT.read_text()):
        path = ROOT / file
        functions = (
            {one.name for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.FunctionDef)}
            if path.exists()
            else set()
        )
        if not functions or (name and name not in functions):
            missing.append(f"{file}::{name}")
    assert not missing
