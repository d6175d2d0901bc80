"""Start the embedded stack and watch over it until Ctrl-C."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.folder import StackFolder
from deploy.local.parts import Plan
from deploy.local.processes import StartError
from deploy.local.stack import Stack, StopAsked
from settings import Settings, SettingsError

PATIENCE = 180.0
console = Console(highlight=False, soft_wrap=True)


def command(
    demo: Annotated[bool, typer.Option("--demo", help="Demo sign-in and demo district.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of everything the stack keeps.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API; 8000 or as last time.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running after Ctrl-C, until `handrail down`.")] = False,
) -> None:
    """Start PostgreSQL, Temporal with its UI, the S3 store, the mail catcher, migrations, the worker and the API."""
    try:
        settings = Settings.load(attach=False)
        folder = StackFolder(data_dir or settings.data_dir)
        folder.open()
        if keep and folder.owner() is None:
            _detach(folder, demo=demo, port=port)
            return
        if not folder.take_lock():
            _attach(folder)
            return
        plan = Plan(folder, settings, folder.ports(port), folder.secrets(), demo)
        sys.exit(_supervise(plan))
    except (StartError, SettingsError) as refusal:
        console.print(f"[bold red]Not started.[/] {refusal}", markup=True)
        sys.exit(1)


def _supervise(plan: Plan) -> int:
    begun = time.monotonic()
    console.print(f"[bold]Starting Handrail[/] in {plan.folder.path}")
    stack = Stack(plan, _say)
    try:
        stack.start()
        _say_ready(plan.folder.state() or {}, time.monotonic() - begun)
        console.print("Ctrl-C stops everything; the data stays.")
        stack.watch()
    except StopAsked:
        console.print("\n[bold]Stopping[/]")
    finally:
        stack.stop()
    console.print("Stopped.")
    return 0


def _say(what: str, where: str, seconds: float | None) -> None:
    spent = f"{seconds:6.1f} s" if seconds is not None else " " * 8
    console.print(f"  {what:<15}{spent}  {where}", markup=False)


def _say_ready(state: dict[str, Any], seconds: float | None = None) -> None:
    spent = f" after {seconds:.1f} s" if seconds is not None else ""
    console.print(f"\n[bold green]Handrail is ready[/]{spent}. Open next:")
    links = Table.grid(padding=(0, 2))
    parts = state.get("parts", {})
    links.add_row("  Start page", state["api"])
    links.add_row("  API documents", f"{state['api']}/docs")
    for key, title in (("temporal", "Temporal UI"), ("mail", "Caught mail")):
        if key in parts:
            links.add_row(f"  {title}", parts[key]["where"])
    console.print(links)


def _attach(folder: StackFolder) -> None:
    """Another `up` owns this folder: wait until it is ready and say where everything is."""
    state = _ready_state(folder)
    console.print(f"Already running in {folder.path} (process {state['pid']}); nothing was started.")
    _say_ready(state)
    console.print("`handrail down` stops it.")


def _detach(folder: StackFolder, *, demo: bool, port: int | None) -> None:
    """Run the supervisor as a process of its own, which Ctrl-C here does not reach."""
    flags = ["--data-dir", str(folder.path), *(["--demo"] if demo else []), *(["--port", str(port)] if port else [])]
    log = folder.log("up")
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", "from cli import main; main()", "up", *flags],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    console.print(f"[bold]Starting Handrail[/] in {folder.path}, in the background; log {log}")
    _say_ready(_ready_state(folder, process))
    console.print("It keeps running; `handrail down` stops it.")


def _ready_state(folder: StackFolder, process: "subprocess.Popen[bytes] | None" = None) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE
    while True:
        state = folder.state()
        if state and state["ready"] and state["pid"] == folder.owner():
            return state
        gone = process.poll() is not None if process else folder.owner() is None
        if gone or time.monotonic() > end:
            raise StartError(f"The stack in {folder.path} did not become ready; see {folder.path / 'log'}.")
        time.sleep(0.1)
