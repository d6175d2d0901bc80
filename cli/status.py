"""Say what of the embedded stack runs, where, and with how much memory; exits 3 when nothing does."""

import sys
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from cli._stack_folder import stack_folder

NOT_RUNNING = 3


def command(data_dir: Annotated[Path | None, typer.Option(help="Folder given to `handrail up`.")] = None) -> None:
    """Read the supervisor's state, and each process's memory from the kernel."""
    folder = stack_folder(data_dir)
    owner, state = folder.owner(), folder.state()
    if owner is None or state is None:
        print(f"Nothing is running in {folder.path}.")
        sys.exit(NOT_RUNNING)
    phase = "stopping" if state["stopping"] else "ready" if state["ready"] else "starting"
    table = Table(
        title=f"{folder.path}: {phase} since {state['began'][:19]} UTC, process {owner}", title_justify="left"
    )
    for heading in ("part", "process", "memory", "restarts", "where"):
        table.add_column(heading)
    total = 0
    for part in state["parts"].values():
        used = memory(part["pid"])
        total += used
        shown = f"{used / 1e6:.0f} MB" if used else "not running"
        table.add_row(part["title"], str(part["pid"]), shown, str(part["restarts"]), part["where"])
    for name, place in state["replaced"].items():
        table.add_row(name, "", "", "", f"yours at {place}")
    table.add_row("all", "", f"{total / 1e6:.0f} MB", "", "")
    Console(soft_wrap=True).print(table)


def memory(pid: int) -> int:
    """Return proportional memory of a process and its children in bytes; 0 when it is gone."""
    try:
        root = psutil.Process(pid)
        return sum(one.memory_full_info().pss for one in (root, *root.children(recursive=True)))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
