"""Walks the repository's own Python files for the architecture tests."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = (
    "activities", "api", "bulk", "cli", "deploy", "gateways", "letters", "models",
    "orchestration", "rules", "services", "workflows",
)  # fmt: skip
ROOT_MODULES = ("server.py", "settings.py", "worker.py")


@dataclass(frozen=True)
class SourceFile:
    """One parsed Python file of the repository."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def layer(self) -> str:
        return self.name.split("/", 1)[0]

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def tracked() -> tuple[str, ...]:
    """Every file git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return tuple(sorted(name for name in listed.stdout.splitlines() if (ROOT / name).is_file()))


@cache
def python_files(*, tests: bool = False) -> tuple[SourceFile, ...]:
    """The parsed sources of all layers (and the tests when asked for), migrations left out."""
    wanted = []
    for name in tracked():
        top = name.split("/", 1)[0]
        if not name.endswith(".py") or "migrations/versions" in name:
            continue
        if top in LAYERS or name in ROOT_MODULES or (tests and top == "tests"):
            text = (ROOT / name).read_text()
            wanted.append(SourceFile(ROOT / name, text, ast.parse(text)))
    return tuple(wanted)
