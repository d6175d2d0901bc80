"""Stop the embedded stack of a data folder; its data stays."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cli._stack_folder import stack_folder

PATIENCE = 60.0


def command(data_dir: Annotated[Path | None, typer.Option(help="Folder given to `handrail up`.")] = None) -> None:
    """Ask the supervisor to stop every part in order, and wait until it has."""
    folder = stack_folder(data_dir)
    owner = folder.owner()
    if owner is None:
        print(f"Nothing is running in {folder.path}.")
        return
    os.kill(owner, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while folder.owner() == owner:
        if time.monotonic() > end:
            print(
                f"Process {owner} has not stopped after {PATIENCE:.0f} s; see {folder.path / 'log'}.", file=sys.stderr
            )
            sys.exit(1)
        time.sleep(0.05)
    print("Stopped; the data stays.")
