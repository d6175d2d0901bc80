"""Keeps the servers of one pytest run: starts each at first request, stops all when the run ends, however it ends.

Run as `python -m tests.servers.holder FOLDER CONTROLLER_PID` by the first worker that needs a server; that process
ends as soon as requests are taken. The holder watches the controller by a pidfd, so that a kill -9 of pytest leaves
neither a process nor a folder; its own children die with it.
"""

import contextlib
import json
import os
import secrets
import select
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import psutil

from deploy.local.bucket import store_client, store_ready
from deploy.local.databases import ensure_roles
from deploy.local.postgres import Credentials, Postgres, Server
from deploy.local.processes import Child, StartError, free_port
from deploy.local.storage import PORT_NAMES, StorePlan, remove_sockets, store_child
from deploy.local.temporal import TemporalPlan, temporal_child, temporal_ready

Address = dict[str, object]
PATIENCE = 20.0  # seconds for what still works in the folder


class Holder:
    """The running servers and where they listen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._children: list[Child] = []
        self._addresses: dict[str, Address] = {}
        self._store_plan: StorePlan | None = None
        self._starters: dict[str, Callable[[], Address]] = {
            "postgres": self._postgres,
            "s3": self._store,
            "temporal": self._temporal,
        }
        self._folders = 0

    def address(self, kind: str) -> Address:
        if kind == "folder":
            return self._open_folder()
        if kind not in self._addresses:
            self._addresses[kind] = self._starters[kind]()
        return self._addresses[kind]

    def stop(self) -> None:
        for child in self._children:
            child.signal_stop()
        for child in self._children:
            child.stop()
        if self._store_plan:
            remove_sockets(self._store_plan)

    def _open_folder(self) -> Address:
        self._folders += 1
        place = self.folder / f"folder-{self._folders}"
        place.mkdir()
        place.chmod(0o755)  # the database server passes through as `nobody`
        return {"path": place}

    def _keep(self, child: Child, ready: Callable[[], bool]) -> None:
        self._children.append(child)
        child.start()
        child.wait_until(ready, 60)

    def _postgres(self) -> Address:
        credentials = Credentials(*(secrets.token_hex(8) for _ in range(3)))
        server = Server(free_port(), credentials)
        postgres = Postgres(self.folder / "postgres", server)
        postgres.initialise()
        # Tests prove what is committed, never what survives a power cut.
        postgres.child.command = [*postgres.child.command, "-c", "fsync=off", "-c", "full_page_writes=off"]
        self._keep(postgres.child, postgres.ready)
        ensure_roles(server)
        return {"port": server.port, **asdict(credentials)}

    def _store(self) -> Address:
        ports = {name: free_port() for name in PORT_NAMES}
        keys = {"access_key": "test", "secret_key": secrets.token_hex(16)}
        plan = StorePlan(self.folder / "log" / "s3.log", self.folder / "s3", ports, **keys)
        client = store_client(plan)
        self._store_plan = plan
        store = store_child(plan)
        # A bucket needs a volume, and it offers as many as gigabytes are free: fewer than there are test modules
        store.command = [*store.command, "-volume.max=1000"]
        self._keep(store, lambda: store_ready(client, "letters"))
        return {"endpoint": plan.endpoint, **keys}

    def _temporal(self) -> Address:
        plan = TemporalPlan(self.folder / "log" / "temporal.log", free_port(), free_port(), free_port())
        self._keep(temporal_child(plan), lambda: temporal_ready(plan))
        return {"address": f"127.0.0.1:{plan.port}"}


def answer(holder: Holder, connection: socket.socket) -> bool:
    """Serve one request line; False when it was `stop`."""
    with connection, connection.makefile("rw") as lines:
        kind = lines.readline().strip()
        if kind == "stop":
            holder.stop()
            return False
        try:
            reply: dict[str, object] = {"ok": holder.address(kind)}
        except (StartError, OSError) as failure:
            reply = {"error": str(failure)}
        lines.write(json.dumps(reply, default=str) + "\n")
        return True


def cleared(folder: Path) -> None:
    """Remove the folder once nobody works in it: a stack that lost its pytest stops by itself, or is stopped."""
    end = time.monotonic() + PATIENCE
    while left := _working_in(folder):
        if time.monotonic() > end:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def _working_in(folder: Path) -> list[psutil.Process]:
    found = psutil.process_iter(["pid", "cmdline", "status"])
    return [
        one
        for one in found
        if one.info["pid"] != os.getpid()
        and one.info["status"] != psutil.STATUS_ZOMBIE
        and any(str(folder) in word for word in one.info["cmdline"] or [])
    ]


def serve(folder: Path, controller: int, opened: Callable[[], None]) -> None:
    """Answer requests until the run stops or its controller is gone."""
    holder = Holder(folder)
    death = os.pidfd_open(controller)
    with socket.socket(socket.AF_UNIX) as door:
        watched: list[socket.socket | int] = [door, death]
        door.bind(str(folder / "door"))
        door.listen(64)
        opened()
        try:
            serving = True
            while serving:
                ready, _, _ = select.select(watched, [], [])
                serving = death not in ready and answer(holder, door.accept()[0])
        finally:
            holder.stop()
            cleared(folder)


def main() -> None:
    folder, controller = Path(sys.argv[1]), int(sys.argv[2])
    told, tells = os.pipe()
    if os.fork():
        os.close(tells)
        sys.exit(0 if os.read(told, 1) else 1)  # nothing to read: the holder has ended
    os.close(told)
    os.setsid()

    def opened() -> None:
        os.write(tells, b"+")
        os.close(tells)

    serve(folder, controller, opened)


if __name__ == "__main__":
    main()
