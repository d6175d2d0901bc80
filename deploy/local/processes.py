"""Child processes that never outlive us: death signal, ports, tools, waiting for readiness, ordered stops."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

PR_SET_PDEATHSIG = 1
# Below the kernel's ephemeral range (32768 and up), so no outgoing connection of this machine takes a port we chose.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000


class StartError(Exception):
    """A part of the stack did not start; the message says which, why and what to do."""


def die_with_parent(signum: signal.Signals) -> Callable[[], None] | None:
    """Return a `preexec_fn` that makes the kernel send `signum` to the child when we die, even by kill -9.

    It runs after the change of user, which would clear it. Spawn from the main thread: the signal fires when the
    creating *thread* ends. Elsewhere than on Linux there is no such call and children are stopped in order only.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signum)


def tool(name: str) -> str:
    """Path of a program of this very environment, else of the search path."""
    here = Path(sysconfig.get_path("scripts")) / name
    found = str(here) if here.exists() else shutil.which(name)
    if found is None:
        raise StartError(f"The program {name!r} is missing: run `make up`, or install requirements.lock again.")
    return found


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(taken: Sequence[int] = ()) -> int:
    """Choose a loopback port; SeaweedFS also listens at port + 10000, so both must be free."""
    for _ in range(1000):
        port = random.randrange(LOWEST_PORT, HIGHEST_PORT)  # noqa: S311 - spread, not secrecy
        if port not in taken and port_is_free(port) and port_is_free(port + 10_000):
            return port
    raise StartError("No free loopback port found between 20000 and 32000.")


def accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def reachable_by_others(path: Path) -> bool:
    """Tell whether another user may enter every folder down to `path`."""
    return all(place.stat().st_mode & 0o001 for place in (path.resolve(), *path.resolve().parents))


class Process(Protocol):
    """A child process, whoever made it: what `Popen` offers of one."""

    pid: int

    @property
    def returncode(self) -> int | Any | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, signum: int, /) -> None: ...
    def kill(self) -> None: ...


@dataclass
class Child:
    """One process of the stack, its log and how it likes to be stopped."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    user: tuple[int, int] | None = None
    stdin: int = subprocess.DEVNULL
    process: Process | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        identity = {} if self.user is None else {"user": self.user[0], "group": self.user[1], "extra_groups": []}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # type: ignore[call-overload]  # the identity keywords are all or none
                list(self.command),
                stdin=self.stdin,
                stdout=out,
                stderr=out,
                cwd="/" if self.user else self.log.parent,
                env={**os.environ, **self.environment},
                process_group=0,  # Ctrl-C reaches the supervisor alone, which stops in order
                preexec_fn=die_with_parent(self.stop_signal),  # noqa: PLW1509 - see die_with_parent
                **identity,
            )

    @property
    def module(self) -> Sequence[str]:
        """The Python module that it runs, and its arguments; nothing for other programs."""
        return self.command[2:] if list(self.command[:2]) == [sys.executable, "-m"] else ()

    @property
    def pid(self) -> int | None:
        return None if self.process is None else self.process.pid

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_words(self, lines: int = 4) -> str:
        """Return the end of the log, for an error message."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal_stop(self) -> None:
        if self.running() and self.process is not None:
            self.process.send_signal(self.stop_signal)

    def stop(self, timeout: float = 15) -> int | None:
        """Ask, wait, then kill; the exit code, or None when it never ran."""
        if self.process is None:
            return None
        self.signal_stop()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def wait_for_end(self, timeout: float) -> int:
        """Wait for a step that runs to its end; its exit code."""
        if self.process is None:
            raise StartError(f"{self.name} was never started.")
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise StartError(
                f"{self.name} did not end within {timeout:.0f} s. Log {self.log}:\n{self.last_words()}"
            ) from None

    def wait_until(self, ready: Callable[[], bool], timeout: float = 60) -> None:
        """Poll `ready`; raise when the process ends first or time runs out."""
        end = time.monotonic() + timeout
        while not ready():
            if not self.running():
                code = None if self.process is None else self.process.returncode
                raise StartError(f"{self.name} ended at start (code {code}). Log {self.log}:\n{self.last_words()}")
            if time.monotonic() > end:
                raise StartError(
                    f"{self.name} was not ready after {timeout:.0f} s. Log {self.log}:\n{self.last_words()}"
                )
            time.sleep(0.02)
