"""Sizes and shapes: modules, functions, parameters, docstrings, imports. Every test lists all that break its rule."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory

from models import migrations
from tests.architecture.source import SourceFile, python_files

MODULE_LINES = 400
FUNCTION_LINES = 60
RULE_FUNCTION_LINES = 25
PARAMETERS = 6
SOURCES = python_files()
EVERYTHING = python_files(tests=True)


def test_a_module_stays_readable_in_one_sitting() -> None:
    lines = {source.name: len(source.text.splitlines()) for source in EVERYTHING}
    assert {name: count for name, count in lines.items() if count > MODULE_LINES} == {}


def test_a_function_fits_its_limit() -> None:
    long = {}
    for source in SOURCES:
        allowed = RULE_FUNCTION_LINES if source.layer == "rules" else FUNCTION_LINES
        for function in source.functions():
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > allowed:
                long[f"{source.name} {function.name}"] = lines
    assert long == {}


def test_a_function_takes_few_parameters() -> None:
    """More than that is one command object; commands and routes take what their callers send."""
    wide = {}
    for source in SOURCES:
        if source.name.startswith(("cli/", "api/routes/")):
            continue
        for function in source.functions():
            given = function.args
            names = [
                a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in {"self", "cls"}
            ]
            if len(names) > PARAMETERS:
                wide[f"{source.name} {function.name}"] = names
    assert wide == {}


def test_a_module_opens_with_its_purpose() -> None:
    assert [s.name for s in EVERYTHING if s.text.strip() and not ast.get_docstring(s.tree)] == []


def test_imports_stand_at_the_top() -> None:
    """`cli` loads its commands by name and is excepted."""
    assert [place for source in SOURCES if source.layer != "cli" for place in _hidden_imports(source)] == []


def _hidden_imports(source: SourceFile) -> Iterator[str]:
    for function in source.functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{source.name}:{node.lineno} {function.name}"


def test_migrations_stand_in_one_line() -> None:
    """Two with one number, or two after the same one, and no database can be brought up to date any more."""
    folder = ScriptDirectory(str(Path(migrations.__file__).parent))
    line = [(one.revision, Path(one.path).name[:4]) for one in folder.walk_revisions()]
    assert len(folder.get_heads()) == 1
    assert all(revision == number for revision, number in line)
    assert len(line) == len(list(Path(folder.versions).glob("0*.py")))


def test_protected_attributes_are_read_in_one_place() -> None:
    """Safeguards section 12: what counts, takes in and takes away is one module (ADR 23); nothing else names the table
    but its definition and the migrations, and nothing else calls that module but these."""
    table = re.compile(r"\b(StudentAttribute|student_attribute|fair_attribute)\b")
    named = {source.name for source in SOURCES if table.search(source.text)}
    assert {name for name in named if not name.startswith("models/migrations/")} == {
        "models/students.py",
        "models/queries/protected_attributes.py",
        "models/queries/fairness.py",
    }
    assert {source.name for source in SOURCES if re.search(r"\bprotected_attributes\b", source.text)} == {
        "models/queries/fairness.py",
        "services/attendance_import.py",
        "services/backtest_walks.py",
        "services/tenant_settings.py",
    }
