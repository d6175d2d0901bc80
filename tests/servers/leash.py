"""Runs a program on a leash: when our parent dies, however it dies, the program dies too.

The Temporal SDK starts the time-skipping server itself, from a thread, where a death signal would fire too early.
"""

import os
import select
import signal
import subprocess
import sys

from deploy.local.processes import die_with_parent


def main() -> int:
    child = subprocess.Popen(
        sys.argv[1:],
        preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - this process has one thread
    )
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda number, _: child.send_signal(number))
    try:
        select.select([os.pidfd_open(os.getppid()), os.pidfd_open(child.pid)], [], [])
    finally:
        if child.poll() is None:
            child.terminate()
    return child.wait(10)


if __name__ == "__main__":
    sys.exit(main())
