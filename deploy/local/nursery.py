"""Imports the product once and forks its parts from there: the imports are paid once, and their memory is shared.

The process is `python -m deploy.local.nursery MODULE...`; standard input is a socket. It says `ready`, then takes one
order a line and answers with the new process's id. It lives for a start only: a part that dies later is started by
itself, from the code that then lies on disk, as in production.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.local.processes import Child, StartError, die_with_parent

PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 15, 36
CHANNEL = 0
READY = b"ready\n"
PATIENCE = 30.0
POLL = 0.02
MODULES = ("deploy.local.shared",)
# numpy's arithmetic begins a thread per processor when a backtest imports it, and nothing of ours is large enough for
# them; of the C library's heaps, one per thread at first, two are enough for threads that share one lock
ALONE = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True)
class Order:
    """One part to become: a module with its arguments, what it is told besides, and its log."""

    module: Sequence[str]
    name: str
    log: str
    environment: Mapping[str, str]
    stop_signal: int


class Forked:
    """A process that the nursery forked and left to us as our own child: what `Popen` offers of one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raises subprocess.TimeoutExpired as `Popen` does."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(POLL)
        return code

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The supervisor's side: begun with the first parts, asked once it is ready, ended when all parts run."""

    def __init__(self, log: Path, environment: Mapping[str, str], modules: Sequence[str] = MODULES) -> None:
        command = [sys.executable, "-m", "deploy.local.nursery", *modules]
        self.child = Child("Product code", command, log, {**environment, **ALONE}, signal.SIGKILL)
        self._socket: socket.socket | None = None
        self._ready = False

    @staticmethod
    def possible() -> bool:
        """Tell whether a process may be handed over here: Linux has the call that makes it the supervisor's child."""
        return sys.platform == "linux"

    def start(self) -> None:
        _adopt_orphans(yes=True)
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        self._socket = ours
        with theirs:
            self.child.stdin = theirs.fileno()
            self.child.start()

    def ready(self) -> bool:
        """Everything is imported."""
        if not self._ready and self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self._ready = self._answer() == READY
        return self._ready

    def fork(self, child: Child) -> None:
        """Start one of our own processes; only once ready. Its parent is this process, as if we had started it."""
        assert self._socket is not None
        child.log.parent.mkdir(parents=True, exist_ok=True)
        order = Order(child.module, child.name, str(child.log), child.environment, child.stop_signal)
        answer = self._answer(json.dumps(asdict(order)).encode() + b"\n")
        if not answer.strip().isdigit():
            log = self.child.log
            raise StartError(f"{child.name} could not be forked. Log {log}:\n{self.child.last_words(12)}")
        child.process = Forked(int(answer))

    def _answer(self, order: bytes = b"") -> bytes:
        """One line, the answer to an order if one is given; less when the process ended or says nothing."""
        assert self._socket is not None
        said = b""
        try:
            self._socket.sendall(order)
            while not said.endswith(b"\n") and (more := self._socket.recv(1)):
                said += more
        except OSError:  # it ended just now, or patience did: whoever asked sees no whole answer
            return b""
        return said

    def end(self) -> None:
        """The parts live on; orphans of other parts go where they always went."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.child.stop()
            _adopt_orphans(yes=False)


def _adopt_orphans(*, yes: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def main() -> None:
    """Import, then fork until the supervisor closes the channel or ends."""
    gc.disable()  # a collection now would only walk what stays
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.freeze()  # or the first collection of each part would write to, and so copy, every shared page
    supervisor = os.getppid()
    os.write(CHANNEL, READY)
    with open(CHANNEL, "rb", buffering=0, closefd=False) as orders:
        for line in orders:
            order = Order(**json.loads(line))
            pid = _forked()
            if pid is None:
                _become(order, supervisor)
                return
            os.write(CHANNEL, b"%d\n" % pid)


def _forked() -> int | None:
    """Fork a child of our parent: by a process between that ends at once. None in the child, its id in the nursery."""
    threads = os.listdir("/proc/self/task")  # noqa: PTH208 - names are all we need
    if len(threads) != 1:
        sys.exit(f"An import began {len(threads) - 1} threads, and a process with threads cannot be forked safely.")
    heard, told = os.pipe()
    between = os.fork()
    if between:
        os.close(told)
        os.waitpid(between, 0)  # when it has ended, the supervisor has its child
        with open(heard, "rb") as line:  # noqa: PTH123 - a descriptor, no path
            return int(line.read())
    own = os.getpid()
    pid = os.fork()
    if pid:
        os.write(told, b"%d" % pid)
        os._exit(0)
    os.close(heard)
    os.close(told)
    while os.getppid() == own:
        time.sleep(0.001)
    return None


def _become(order: Order, supervisor: int) -> None:
    """Be what `python -m MODULE ARGUMENTS` would be; returns or exits as that does."""
    signum = signal.Signals(order.stop_signal)
    (die_with_parent(signum) or (lambda: None))()
    if os.getppid() != supervisor:  # it ended before it could take us
        return
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_NAME, order.name.encode())
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for given, place in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(given, place)
    os.close(nothing)
    os.close(log)
    os.chdir(Path(order.log).parent)
    os.environ.update(order.environment)
    gc.enable()
    name, *arguments = order.module
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
