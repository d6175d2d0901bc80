"""Words and habits that the house style bans, each with the reason it does harm. Every test lists all that it finds."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.source import SourceFile, python_files

SOURCES = python_files()
EVERYTHING = python_files(tests=True)
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
READS_THE_CLOCK = ("cli/", "deploy/", "worker.py", "server.py", "tests/")
VAGUE = re.compile(r"(Manager|Helper|Utils?|Info)$|^Base.*Service$")
EXPLAINED = re.compile(r"# type: ignore\[[\w-]+\]\s+#\s+\S+")


def nodes(sources: tuple[SourceFile, ...]) -> Iterator[tuple[SourceFile, ast.AST]]:
    for source in sources:
        for node in ast.walk(source.tree):
            yield source, node


def test_no_class_is_named_after_its_vagueness() -> None:
    named = [(source.name, n.name) for source, n in nodes(SOURCES) if isinstance(n, ast.ClassDef)]
    assert [(where, name) for where, name in named if VAGUE.search(name)] == []


def test_only_the_unit_of_work_commits() -> None:
    """One transaction per use case, committed at its edge."""
    layers = {"services", "activities", "api", "models"}
    looked_at = [s for s in SOURCES if s.layer in layers and s.name != "models/session.py"]
    assert [s.name for s in looked_at if re.search(r"session\.commit\(", s.text)] == []


def test_time_is_handed_in() -> None:
    """Below the composition roots nobody reads a clock: `now` is a parameter."""
    below = tuple(source for source in SOURCES if not source.name.startswith(READS_THE_CLOCK))
    assert [f"{source.name}:{n.lineno}" for source, n in nodes(below) if isinstance(n, ast.Call) and _clock(n)] == []


def _clock(call: ast.Call) -> bool:
    asked = call.func
    if not isinstance(asked, ast.Attribute) or not isinstance(asked.value, ast.Name):
        return False
    return (asked.value.id, asked.attr) in CLOCKS


def test_nothing_is_left_to_do_in_a_comment() -> None:
    assert [source.name for source in SOURCES if re.search(r"\b(TODO|FIXME|XXX)\b", source.text)] == []


def test_a_type_ignore_names_its_code_and_its_reason() -> None:
    lines = [
        (source.name, line)
        for source in EVERYTHING
        if "tests/architecture" not in source.name
        for line in source.text.splitlines()
    ]
    assert [(name, line) for name, line in lines if "# type: ignore" in line and not EXPLAINED.search(line)] == []


def test_our_own_code_is_never_mocked() -> None:
    """The real thing, or a fake class that passes the gateway's contract test."""
    imports = [(source, n) for source, n in nodes(EVERYTHING) if isinstance(n, ast.ImportFrom | ast.Import)]
    assert [f"{source.name}:{n.lineno}" for source, n in imports if "mock" in ast.dump(n)] == []


def test_no_error_is_swallowed() -> None:
    caught = [(source, n) for source, n in nodes(SOURCES) if isinstance(n, ast.ExceptHandler)]
    assert [f"{source.name}:{n.lineno}" for source, n in caught if _swallows(n)] == []


def _swallows(handler: ast.ExceptHandler) -> bool:
    anything = isinstance(handler.type, ast.Name) and handler.type.id == "Exception"
    return anything and not any(isinstance(node, ast.Raise | ast.Return) for node in ast.walk(handler))
