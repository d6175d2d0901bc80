"""How a test asks for the shared servers of its pytest run: by a socket below one folder named in the environment."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

RUN = "HANDRAIL_TEST_RUN"
PATIENCE = 150.0  # seconds for a cold server on a loaded machine


def open_run() -> None:
    """Name the run, in the controller; nothing is made until a test needs a server."""
    folder = Path(tempfile.gettempdir()) / f"handrail-tests-{secrets.token_hex(4)}"
    os.environ[RUN] = f"{os.getpid()}:{folder}"


def close_run() -> None:
    """Stop the servers of the run and wait until they are gone, in the controller."""
    folder = _run()[1]
    if not folder.exists():
        return
    with contextlib.suppress(OSError), _connected(folder) as door:
        door.sendall(b"stop\n")
        door.recv(1)  # the end of file says that all have stopped
    shutil.rmtree(folder, ignore_errors=True)


def address(kind: str) -> dict[str, str]:
    """Address of the server of this kind, started now when nobody asked before."""
    return _asked(kind)


def open_folder() -> Path:
    """A fresh folder that other users may pass through; gone with the run, and so is every process that names it."""
    return Path(_asked("folder")["path"])


def _asked(kind: str) -> dict[str, str]:
    controller, folder = _run()
    with locked(folder, "holder"):
        if not (folder / "door").exists():
            _start_holder(controller, folder)
    with _connected(folder) as door, door.makefile("rw") as lines:
        lines.write(kind + "\n")
        lines.flush()
        reply = json.loads(lines.readline() or '{"error": "the holder of the test servers has gone"}')
    if "error" in reply:
        raise RuntimeError(f"The test server {kind!r} did not start: {reply['error']}")
    return {name: str(value) for name, value in reply["ok"].items()}


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold a lock shared by all workers of the run."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # the database server runs as `nobody` when we are root
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run_folder() -> Path:
    return _run()[1]


def _run() -> tuple[int, Path]:
    pid, _, folder = os.environ[RUN].partition(":")
    return int(pid), Path(folder)


def _start_holder(controller: int, folder: Path) -> None:
    """Its first process ends as soon as the servers' door is open; the holder itself is nobody's child."""
    with (folder / "holder.log").open("ab") as log:
        opened = subprocess.run(
            [sys.executable, "-m", "tests.servers.holder", str(folder), str(controller)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=PATIENCE,
            check=False,
        )
    if opened.returncode or not (folder / "door").exists():
        raise RuntimeError(
            f"The holder of the test servers did not start: {(folder / 'holder.log').read_text()[-800:]}"
        )


@contextlib.contextmanager
def _connected(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(PATIENCE)
        door.connect(str(folder / "door"))
        yield door
