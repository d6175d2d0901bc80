"""Words and habits that the house style bans, each with the reason it does harm."""

import ast
import re

import pytest

from tests.architecture.source import SourceFile, python_files

SOURCES = python_files()
EVERYTHING = python_files(tests=True)
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
READS_THE_CLOCK = ("cli/", "deploy/", "worker.py", "server.py", "tests/")


def named(source: SourceFile) -> str:
    return source.name


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_no_class_is_named_after_its_vagueness(source: SourceFile) -> None:
    vague = re.compile(r"(Manager|Helper|Utils?|Info)$|^Base.*Service$")
    assert not [n.name for n in ast.walk(source.tree) if isinstance(n, ast.ClassDef) and vague.search(n.name)]


@pytest.mark.parametrize("source", [s for s in SOURCES if s.name != "models/session.py"], ids=named)
def test_only_the_unit_of_work_commits(source: SourceFile) -> None:
    if source.layer in {"services", "activities", "api", "models"}:
        assert not re.search(r"session\.commit\(", source.text), "one transaction per use case, committed at its edge"


@pytest.mark.parametrize("source", [s for s in SOURCES if not s.name.startswith(READS_THE_CLOCK)], ids=named)
def test_time_is_handed_in(source: SourceFile) -> None:
    read = [
        node.lineno
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in CLOCKS
    ]
    assert not read, "below the composition roots nobody reads a clock: take `now` as a parameter"


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_nothing_is_left_to_do_in_a_comment(source: SourceFile) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", source.text)


@pytest.mark.parametrize("source", EVERYTHING, ids=named)
def test_a_type_ignore_names_its_code_and_its_reason(source: SourceFile) -> None:
    bare = [
        line
        for line in source.text.splitlines()
        if "# type: ignore" in line and "tests/architecture" not in source.name
        and not re.search(r"# type: ignore\[[\w-]+\]\s+#\s+\S+", line)
    ]  # fmt: skip
    assert not bare


@pytest.mark.parametrize("source", EVERYTHING, ids=named)
def test_our_own_code_is_never_mocked(source: SourceFile) -> None:
    used = [
        n.lineno for n in ast.walk(source.tree) if isinstance(n, ast.ImportFrom | ast.Import) and "mock" in ast.dump(n)
    ]
    assert not used, "use the real thing, or a fake class that passes the gateway's contract test"


@pytest.mark.parametrize("source", SOURCES, ids=named)
def test_no_error_is_swallowed(source: SourceFile) -> None:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception":
            assert any(isinstance(x, ast.Raise | ast.Return) for x in ast.walk(node)), f"line {node.lineno}"
