"""Supervisor of the embedded stack: starts the parts in order, restarts what dies, stops all in reverse.

Everything here runs on the main thread: a child's death signal is tied to the thread that made it.
"""

import datetime as dt
import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

from deploy.local.migrations import fingerprint
from deploy.local.nursery import Nursery
from deploy.local.parts import (
    Part,
    Plan,
    demo_load,
    environment,
    postgres,
    preparations,
    products,
    servers,
    store_plan,
)
from deploy.local.processes import Child, StartError
from deploy.local.storage import remove_sockets
from settings import IN_FILE, PREFIX

POLL = 0.02
WATCH = 0.25
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_AFTER = 60.0  # seconds of life after which a restart counts as the first again
READY_TIMEOUT = 90.0
OWNER = f"{PREFIX}DATABASE_OWNER_URL"

Say = Callable[[str, str, float | None], None]  # (what, where or why, seconds)


class StopAsked(Exception):
    """The person, or `handrail down`, wants the stack to stop."""


@dataclass
class Watched:
    """A running part and the history that decides how soon it is started again."""

    part: Part
    restarts: int = 0
    started: float = field(default_factory=time.monotonic)
    again_at: float | None = None


class Stack:
    """All parts of one plan."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan, self._say = plan, say
        self._watched: list[Watched] = []
        self._began = dt.datetime.now(dt.UTC)
        self._ready = False
        self._stopping = False
        self._nursery = Nursery(plan.folder.log("product_code"), {**environment(plan), "PYTHONUNBUFFERED": "1"})

    def start(self) -> None:
        """Start every part; return when all are ready."""
        for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(asked, self._asked)
        for given in (OWNER, f"{OWNER}{IN_FILE}"):
            os.environ.pop(given, None)  # only migrations run as the owner, and they are told by the plan
        self._tell()
        for name, place in self._plan.replaced().items():
            self._say(name, f"yours at {place}", None)
        found = servers(self._plan)
        others = [self._launch(part) for part in found if not part.child.module]
        code = self._begin_imports()
        self._prepare(fresh=self._start_postgres())
        self._await([*others, *code])
        self._plan.folder.write_environment(environment(self._plan))
        own = [part for part in found if part.child.module]
        running = [self._launch(part) for part in (*products(self._plan), *own)]
        self._nursery.end()
        self._await(running)
        if self._plan.demo:
            self._load_demo(demo_load(self._plan))
        self._ready = True
        self._tell()

    def watch(self) -> None:
        """Restart what dies until somebody asks to stop."""
        while True:
            time.sleep(WATCH)
            for one in self._watched:
                self._look_after(one)

    def stop(self) -> None:
        """Stop in reverse order of dependence; parts that need nobody stop together."""
        self._stopping = True
        self._tell()
        self._nursery.end()
        keys = ("api", "worker"), ("codec", "mail", "temporal", "s3"), ("postgres",)
        for group in keys:
            ending = [one.part for one in self._watched if one.part.key in group]
            begun = time.monotonic()
            for part in ending:
                part.child.signal_stop()
            for part in ending:
                part.child.stop()
                self._say(part.title, "stopped", time.monotonic() - begun)
        remove_sockets(store_plan(self._plan))
        self._plan.folder.forget_environment()

    def _asked(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            raise StopAsked

    def _launch(self, part: Part) -> Watched:
        one = Watched(part)
        self._watched.append(one)
        if part.child.module and Nursery.possible():
            self._nursery.fork(part.child)
        else:
            part.child.start()
        return one

    def _begin_imports(self) -> list[Watched]:
        """Load our own code beside the other programs' start; what to wait for before our parts are forked from it."""
        if not Nursery.possible():
            return []
        self._nursery.start()
        return [Watched(Part("code", "Product code", self._nursery.child, self._nursery.ready))]

    def _start_postgres(self) -> bool:
        """Start it where it is ours; True when its data is new."""
        server = postgres(self._plan)
        if server is None:
            return False
        begun = time.monotonic()
        fresh = server.initialise()
        part = Part("postgres", "PostgreSQL", server.child, server.ready, f"127.0.0.1:{server.server.port}")
        self._launch(part)
        server.child.wait_until(server.ready, READY_TIMEOUT)
        self._say("PostgreSQL", f"{part.where}{' (new)' if fresh else ''}", time.monotonic() - begun)
        return fresh

    def _prepare(self, *, fresh: bool) -> None:
        """Run the one-time steps side by side; each must end well. Nothing to do while our data and migrations stay."""
        begun, wanted, folder = time.monotonic(), self._fingerprint(), self._plan.folder
        ours = "postgres" not in self._plan.replaced()
        if ours and not fresh and folder.prepared() == wanted:
            return
        folder.say_prepared(None)
        self._run(preparations(self._plan), begun)
        folder.say_prepared(wanted)

    def _load_demo(self, step: Child) -> None:
        """Fill the demo's tenant while looking after the parts; a load that fails stops nothing and is tried again."""
        begun = time.monotonic()
        step.start()
        try:
            while step.running():
                time.sleep(WATCH)
                for one in self._watched:
                    self._look_after(one)
            failed = step.wait_for_end(0) != 0
        finally:
            step.stop()
        why = f"not loaded, the next `up` tries again; log {step.log}: " if failed else ""
        self._say(step.name, why + step.last_words(1), time.monotonic() - begun)

    def _fingerprint(self) -> str:
        """What was prepared where: other migrations, or a part replaced since, and all is prepared again."""
        places = json.dumps([fingerprint(), self._plan.replaced(), self._plan.settings.s3_bucket])
        return hashlib.sha256(places.encode()).hexdigest()

    def _run(self, steps: Sequence[Child], begun: float) -> None:
        for step in steps:
            step.start()
        try:
            for step in steps:
                if step.wait_for_end(READY_TIMEOUT) != 0:
                    raise StartError(f"{step.name} failed. Log {step.log}:\n{step.last_words(12)}")
                self._say(step.name, "up to date", time.monotonic() - begun)
        finally:
            for step in steps:
                step.stop()

    def _await(self, waiting: list[Watched]) -> None:
        """Wait until all are ready, telling each as it comes."""
        end = time.monotonic() + READY_TIMEOUT
        while waiting:
            for one in [one for one in waiting if one.part.ready()]:
                waiting.remove(one)
                self._say(one.part.title, one.part.where, time.monotonic() - one.started)
            for one in waiting:
                child = one.part.child
                if not child.running():
                    raise StartError(f"{child.name} ended at start. Log {child.log}:\n{child.last_words(12)}")
                if time.monotonic() > end:
                    raise StartError(f"{child.name} was not ready after {READY_TIMEOUT:.0f} s. Log {child.log}")
            time.sleep(POLL)

    def _look_after(self, one: Watched) -> None:
        child, now = one.part.child, time.monotonic()
        if child.running():
            return
        if one.again_at is None:
            if now - one.started > STEADY_AFTER:
                one.restarts = 0
            pause = min(FIRST_PAUSE * 2**one.restarts, LONGEST_PAUSE)
            one.again_at = now + pause
            code = None if child.process is None else child.process.returncode
            self._say(one.part.title, f"ended by itself (code {code}); again in {pause:g} s, log {child.log}", None)
        elif now >= one.again_at:
            one.again_at, one.started = None, now
            one.restarts += 1
            child.start()
            self._say(one.part.title, f"started again ({one.restarts})", None)
            self._tell()

    def _tell(self) -> None:
        self._plan.folder.say_state(
            {
                "pid": os.getpid(),
                "began": self._began.isoformat(),
                "ready": self._ready,
                "stopping": self._stopping,
                "api": self._plan.url("api"),
                "replaced": self._plan.replaced(),
                "parts": {
                    one.part.key: {
                        "title": one.part.title,
                        "pid": one.part.child.pid,
                        "where": one.part.where,
                        "restarts": one.restarts,
                    }
                    for one in self._watched
                },
            }
        )
