"""What the sandbox does not see in modules shared with the host: no clock, no chance, no outside in workflow code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "workflows").rglob("*.py")) + sorted((ROOT / "rules" / "ladder").rglob("*.py"))
BANNED_MODULES = {
    "random",
    "time",
    "os",
    "socket",
    "secrets",
    "threading",
    "subprocess",
    "pathlib",
    "logging",
    "requests",
}
BANNED_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4", "uuid7", "getenv", "unsafe"}
ALLOWED = {"workflow.now", "workflow.uuid4", "case.now", "self.now", "order.now", "check.today"}


def named(source: Path) -> str:
    return str(source.relative_to(ROOT))


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_workflow_code_reads_no_clock_and_throws_no_dice(source: Path) -> None:
    tree = ast.parse(source.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in imported} & BANNED_MODULES
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not {name for name in used if name.rpartition(".")[2] in BANNED_CALLS} - ALLOWED
