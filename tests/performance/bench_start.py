"""How long `handrail up` takes cold and warm, how long it stops, and what each part weighs.

Run as `python -m tests.performance.bench_start [ROUNDS]`. Gate: cold < 20 s, warm < 8 s, the whole stack < 700 MB.
Seconds are of a machine that does nothing else; processor seconds say more on one that does.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from cli.status import memory
from deploy.local.processes import free_port
from tests.deploy.stacks import RunningStack

# As Python does by default: where a shell forbids it, every start would compile our own 450 modules anew.
KEEPS_BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
COLD_SECONDS, WARM_SECONDS, MEGABYTES = 20.0, 8.0, 700.0


def timed_start(stack: RunningStack, *flags: str) -> float:
    begun = time.monotonic()
    stack.up(*flags)
    return time.monotonic() - begun


def one_round() -> dict[str, float]:
    base = Path(tempfile.mkdtemp(prefix="handrail-bench-"))
    base.chmod(0o755)
    stack = RunningStack(base / "state", KEEPS_BYTECODE)
    try:
        measured = {"cold s": timed_start(stack, "--port", str(free_port()))}
        measured |= {f"{name} MB": memory(pid) / 1e6 for name, pid in stack.pids().items()}
        assert stack.process is not None
        measured["supervisor MB"] = memory_of_one(stack.process.pid)
        measured["all MB"] = sum(value for name, value in measured.items() if name.endswith("MB"))
        begun = time.monotonic()
        stack.interrupt()
        measured["stop s"] = time.monotonic() - begun
        measured["warm s"] = timed_start(stack)
        measured["warm processor s"] = processor_seconds(stack.process.pid)
        stack.kill()
        measured["after kill -9 s"] = timed_start(stack)
        return measured
    finally:
        stack.end()
        shutil.rmtree(base, ignore_errors=True)


def processor_seconds(pid: int) -> float:
    """What the supervisor and everything below it have used until now, the ended included."""
    supervisor = psutil.Process(pid)
    running = [supervisor, *supervisor.children(recursive=True)]
    return sum(sum(one.cpu_times()[:4]) for one in running)


def memory_of_one(pid: int) -> float:
    """Proportional memory of the supervisor without its children, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3


def main() -> int:
    rounds = [one_round() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3)]
    median = {name: round(statistics.median(one[name] for one in rounds), 1) for name in rounds[0]}
    for name, value in median.items():
        print(f"{name:<16}{value:>9.1f}")
    print(json.dumps(median))
    kept = median["cold s"] < COLD_SECONDS and median["warm s"] < WARM_SECONDS and median["all MB"] < MEGABYTES
    print("within the gate" if kept else "OUTSIDE THE GATE")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
