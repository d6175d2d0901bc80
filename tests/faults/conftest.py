"""One district on one stack for everything that is broken here: each test takes students of its own."""

import shutil
from collections.abc import Iterator

import pytest

from deploy.local.processes import free_port
from tests.deploy.stacks import RunningStack, alive, until
from tests.faults.town import Size, Town, settle
from tests.servers.client import open_folder

SIZE = Size(away=24, calm=24)


@pytest.fixture
def town(district: Town) -> Town:
    """The district while every part of its stack runs, whatever the test before killed."""
    stack = district.stack
    until(lambda: all(alive(pid) for pid in stack.pids().values()) and stack.ready(), "every part runs again")
    return district


@pytest.fixture(scope="package")
def district() -> Iterator[Town]:
    """The district, its letters waiting."""
    base = open_folder()
    stack = RunningStack(base / "state")
    try:
        stack.up("--port", str(free_port()))
        yield settle(stack, base, SIZE)
    finally:
        stack.end()
        shutil.rmtree(base, ignore_errors=True)
