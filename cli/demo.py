"""Walk through one morning of the demo district: stack up, register in, letters approved and sent, all checked."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.demo_load import SEED, STUDENTS, TODAY, UNDO_SECONDS
from deploy.local.demo_run import Api, DemoShort, Morning, spend_morning
from deploy.local.folder import StackFolder
from deploy.local.processes import Child, StartError, free_port
from settings import PREFIX, STACK_FILE

HANDRAIL = (sys.executable, "-c", "from cli import main; main()")
LETTERS = 5
PATIENCE = 900.0
WAYS = {"LETTER_SENT": "e-mail", "LETTER_TO_POST": "print and post"}
console = Console(highlight=False, soft_wrap=True)


def command(
    once: Annotated[bool, typer.Option("--once", help="Bring it up, walk through it, check it, stop it.")] = False,
    students: Annotated[int | None, typer.Option(help="How many; 300 unless told.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another district of the same kind.")] = None,
    today: Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The demo's first morning.")] = None,
) -> None:
    """Approve a few letters of a fresh demo district through the API and prove what left; in a folder of its own."""
    if not once:
        console.print("`handrail up --demo` starts the demo and keeps it; `handrail demo --once` walks through it.")
        raise typer.Exit(2)
    chosen = {STUDENTS: students, SEED: seed, TODAY: today and today.date()}
    base = Path(tempfile.mkdtemp(prefix="handrail-demo-"))
    base.chmod(0o711)  # the database server may pass through as another user
    begun = time.monotonic()
    try:
        morning = _walked(base, {name: str(value) for name, value in chosen.items() if value is not None})
    except (DemoShort, StartError) as short:
        console.print(f"[bold red]Something is short.[/] {short}", markup=True)
        raise typer.Exit(1) from None
    finally:
        shutil.rmtree(base, ignore_errors=True)
    _account(morning)
    missing = morning.shortfall()
    if missing:
        console.print(f"[bold red]Something is short.[/] {missing}", markup=True)
    print(json.dumps({**morning.line(), "seconds": round(time.monotonic() - begun, 1)}), flush=True)
    raise typer.Exit(1 if missing else 0)


def _walked(base: Path, chosen: dict[str, str]) -> Morning:
    """The whole stack in a folder of its own, untouched by any setting of this machine; stopped whatever happens."""
    folder = StackFolder(base / "state")
    folder.open()
    # An empty variable counts as unset, so that no part is replaced: a demo never touches a real database.
    unset = {name: "" for name in os.environ if name.startswith(PREFIX)}
    arguments = ("up", "--demo", "--data-dir", str(folder.path), "--port", str(free_port()))
    log = base / "up.log"
    stack = Child("The stack", (*HANDRAIL, *arguments), log, {**unset, **chosen, UNDO_SECONDS: "1", "COLUMNS": "160"})
    console.print(f"[bold]A demo of its own[/] in {base}; everything is removed at the end")
    stack.start()
    try:
        _until_ready(stack, folder)
        told = _told(folder)
        officer, district = (
            Api(told["PUBLIC_URL"], _token(folder, role)) for role in ("attendance_officer", "district_admin")
        )
        return spend_morning(officer, district, told["MAIL_URL"], approve=LETTERS, tell=console.print)
    finally:
        stack.stop(90)


def _until_ready(stack: Child, folder: StackFolder) -> None:
    """Show what the stack says while it comes up."""
    end, shown, ready = time.monotonic() + PATIENCE, 0, False
    while not ready:
        ready = bool((folder.state() or {}).get("ready"))
        text = stack.log.read_text(errors="replace")
        whole = text[: text.rfind("\n") + 1]
        console.print(whole[shown:], end="", markup=False)
        shown = len(whole)
        if not stack.running() or time.monotonic() > end:
            raise StartError(f"The stack did not become ready:\n{stack.last_words(15)}")
        time.sleep(0.2)


def _told(folder: StackFolder) -> dict[str, str]:
    lines = (folder.path / STACK_FILE).read_text().splitlines()
    pairs = (line.partition("=") for line in lines)
    return {name.removeprefix(PREFIX): value.strip("'") for name, _, value in pairs}


def _token(folder: StackFolder, role: str) -> str:
    """As a person would get it, by the command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    asked = subprocess.run(  # noqa: S603 - our own command
        [*HANDRAIL, "token", "--as", role],
        env={**kept, f"{PREFIX}DATA_DIR": str(folder.path)},
        cwd=folder.path,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise DemoShort(f"`handrail token --as {role}` gave no token: {asked.stderr.strip()}")
    return asked.stdout.strip()


def _account(morning: Morning) -> None:
    """What happened, for people: schools, reasons, hashes, addresses; never a student's name."""
    console.print(f"\n[bold]{morning.students} students; {len(morning.queue)} steps waited for a person[/]")
    waiting = Counter((step["school_name"], step["stage_type"]) for step in morning.queue)
    for (school, stage), count in sorted(waiting.items()):
        console.print(f"  {count:>4}  {stage:<10} {school}", markup=False)
    console.print(f"\n[bold]{len(morning.approved)} approved[/], each for the reason it showed")
    for step in morning.approved:
        made_up = f" ({step.make_up})" if step.make_up else ""
        console.print(f"  {step.school}: {step.reason}{made_up}", markup=False)
    letters = Table("school", "way", "pages", "bytes", "SHA-256 of the PDF", "checked", title="Letters stored")
    for letter in morning.letters:
        checked = "yes" if letter.verified else "NO"
        way = WAYS.get(letter.way, letter.way)
        letters.add_row(letter.school, way, str(letter.pages), str(letter.size_bytes), letter.sha256, checked)
    mails = Table("to", "subject", "SHA-256 of the attachment", title="E-mails caught (nobody received them)")
    for mail in morning.mails:
        mails.add_row(mail.recipient, mail.subject, mail.sha256)
    wide = Console(highlight=False, width=max(console.width, 160))
    wide.print(letters, mails)
