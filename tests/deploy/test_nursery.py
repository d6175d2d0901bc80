"""Parts forked from one process that has imported the product: each is our child, as if we had started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.nursery import MODULES, Nursery
from deploy.local.processes import Child, StartError
from tests.deploy.stacks import until

pytestmark = pytest.mark.skipif(not Nursery.possible(), reason="processes are handed over on Linux only")

TELLS = "import os, sys; print(os.getppid(), os.environ['TOLD'], sys.argv[1:]); sys.exit(7)"
WAITS = "import time; print('here', flush=True); time.sleep(600)"

Begin = Callable[..., Nursery]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a nursery that finds modules in the test's folder; ended after the test."""
    begun: list[Nursery] = []

    def start(*modules: str) -> Nursery:
        begun.append(Nursery(tmp_path / "nursery.log", {"PYTHONPATH": str(tmp_path)}, modules))
        begun[-1].start()
        return begun[-1]

    yield start
    for one in begun:
        one.end()


def part(folder: Path, code: str) -> Child:
    """One of our own processes, with this code as its module."""
    (folder / "part.py").write_text(code)
    return Child("Part", [sys.executable, "-m", "part", "one"], folder / "log" / "part.log", {"TOLD": "all"})


def ready(nursery: Nursery) -> Nursery:
    nursery.child.wait_until(nursery.ready)
    return nursery


def test_a_forked_part_is_our_child_and_is_told_what_it_needs(begin: Begin, tmp_path: Path) -> None:
    child = part(tmp_path, TELLS)
    ready(begin("json")).fork(child)
    assert child.wait_for_end(60) == 7
    assert child.log.read_text() == f"{os.getpid()} all ['one']\n"


def test_parts_live_on_when_the_nursery_has_ended_and_stop_as_others_do(begin: Begin, tmp_path: Path) -> None:
    nursery, child = begin("json"), part(tmp_path, WAITS)
    ready(nursery).fork(child)
    nursery.end()
    until(lambda: child.last_words() == "here", "the part runs")
    assert child.running()
    assert child.stop() == -signal.SIGTERM


def test_an_import_that_fails_is_told_with_the_end_of_its_log(begin: Begin) -> None:
    nursery = begin("no_such_module_anywhere")
    with pytest.raises(StartError, match="No module named 'no_such_module_anywhere'"):
        ready(nursery)


def test_nothing_is_forked_after_an_import_that_began_a_thread(begin: Begin, tmp_path: Path) -> None:
    begins = "import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    (tmp_path / "threaded.py").write_text(begins)
    nursery = ready(begin("threaded"))
    with pytest.raises(StartError, match="cannot be forked safely"):
        nursery.fork(part(tmp_path, TELLS))


def test_the_imports_of_the_product_begin_no_thread(begin: Begin, tmp_path: Path) -> None:
    child = part(tmp_path, TELLS)
    ready(begin(*MODULES)).fork(child)
    assert child.wait_for_end(60) == 7


def test_what_few_need_waits_until_it_is_needed() -> None:
    """What the parts import at a start is memory of every stack: numpy is for backtests, aiokafka for a broker.

    authlib's client is for signing in at an identity provider, icalendar for invitations.
    """
    named = {"aiokafka", "authlib.integrations.httpx_client", "icalendar", "numpy", "worker"}
    tells = f"import sys; print(*sorted({named} & sys.modules.keys()))"
    command = [sys.executable, "-c", f"import {', '.join(MODULES)}; {tells}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["worker"]


def test_a_nursery_that_died_is_an_error_that_names_the_part(begin: Begin, tmp_path: Path) -> None:
    nursery = ready(begin("json"))
    nursery.child.stop()
    with pytest.raises(StartError, match="Part could not be forked"):
        nursery.fork(part(tmp_path, TELLS))
