"""Runs `handrail up` as a process of its own and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.local.processes import die_with_parent
from settings import STACK_FILE

HANDRAIL = [sys.executable, "-c", "from cli import main; main()"]
PATIENCE = 120.0


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without our own settings, so that a developer's variables replace no part."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
    return kept | dict(extra or {})


def until(true: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Poll until it is so; time is the only other way out."""
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def handrail(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*HANDRAIL, *arguments, "--data-dir", str(folder)],
        cwd=folder.parent,
        env=clean_environment({"COLUMNS": "200"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@dataclass
class RunningStack:
    """One `handrail up` and its data folder."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    wrap: Sequence[str] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def output(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.out").read_text()

    def launch(self, *flags: str) -> "subprocess.Popen[bytes]":
        """Start it and return at once."""
        with (self.folder.parent / f"{self.folder.name}.out").open("wb") as out:
            self.process = subprocess.Popen(
                [*self.wrap, *HANDRAIL, "up", "--data-dir", str(self.folder), *flags],
                cwd=self.folder.parent,
                env=clean_environment({**self.variables, "COLUMNS": "200"}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - tests run on the main thread
            )
        return self.process

    def up(self, *flags: str) -> "RunningStack":
        """Start it and return when it is ready."""
        process = self.launch(*flags)
        until(lambda: "Ctrl-C stops" in self.output or process.poll() is not None, "ready or ended")
        assert process.poll() is None, self.output
        return self

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return state

    def pids(self) -> dict[str, int]:
        return {name: int(part["pid"]) for name, part in self.state()["parts"].items()}

    def settings(self) -> dict[str, str]:
        """What the product is told, as other commands read it."""
        lines = (self.folder / STACK_FILE).read_text().splitlines()
        return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}

    def get(self, path: str, part: str = "api") -> str:
        base = self.state()["api"] if part == "api" else self.state()["parts"][part]["where"]
        with urllib.request.urlopen(base + path, timeout=20) as answer:
            return str(answer.read().decode())

    def ready(self) -> bool:
        try:
            return bool(self.get("/readyz"))  # a part that is down makes it a 503, which urllib raises
        except OSError:
            return False

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9 of the supervisor alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        until(lambda: not processes_of(self.folder), f"no process of {self.folder} is left", 30)


def processes_of(folder: Path) -> list[str]:
    """Processes that name this data folder in their command line or work in it."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "cwd", "status"]):
        known = process.info
        words = " ".join(known["cmdline"] or [])
        inside = str(folder) in words or str(known["cwd"] or "").startswith(str(folder))
        if inside and known["status"] != psutil.STATUS_ZOMBIE and known["pid"] != os.getpid():
            found.append(f"{known['pid']} {words}")
    return found
