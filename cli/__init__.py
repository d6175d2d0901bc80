"""The handrail command: one module per command, loaded by name, so that a command imports only what it needs.

A command lives in `cli/<name>.py` (a name that Python reserves gets a trailing underscore: `cli/import_.py`) and
offers either `command(...)`, a typer function, or `app`, a `typer.Typer` of sub-commands. Its module docstring's first
sentence is the line `handrail --help` shows. A module that does not exist is not offered.
"""

import ast
import difflib
import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

USAGE_ERROR = 2


def commands() -> Mapping[str, Path]:
    """Each offered command and the file it lives in; nothing is imported to find out."""
    folder = Path(__file__).parent
    names = [module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_")]
    return {name.rstrip("_").replace("_", "-"): folder / f"{name}.py" for name in sorted(names)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `handrail COMMAND ...`; exits with the command's status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    offered = commands()
    if not given or given[0] in {"-h", "--help", "help"}:
        print(_help(offered))
        sys.exit(0 if given else USAGE_ERROR)
    name, *rest = given
    if name not in offered:
        print(_unknown(name, offered), file=sys.stderr)
        sys.exit(USAGE_ERROR)
    _application(offered[name].stem)(args=rest, prog_name=f"handrail {name}")


def _application(stem: str) -> typer.Typer:
    module = importlib.import_module(f"cli.{stem}")
    group: typer.Typer | None = getattr(module, "app", None)
    if group is not None:
        return group
    application = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    application.command()(module.command)
    return application


def _help(offered: Mapping[str, Path]) -> str:
    width = max((len(name) for name in offered), default=0)
    lines = [f"  {name:<{width}}  {_summary(file)}" for name, file in offered.items()]
    return "\n".join(["Usage: handrail COMMAND [OPTIONS]", "", "Commands:", *lines, "", "handrail COMMAND --help"])


def _summary(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def _unknown(name: str, offered: Mapping[str, Path]) -> str:
    close = difflib.get_close_matches(name, offered, n=1)
    hint = f" Did you mean `handrail {close[0]}`?" if close else ""
    return f"handrail: there is no command {name!r}.{hint} `handrail --help` lists the commands."
