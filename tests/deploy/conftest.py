"""A data folder for one stack, and a stack shared by the tests that only look."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import free_port
from tests.deploy.stacks import RunningStack
from tests.servers.client import open_folder


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder of this test for data folders."""
    folder = open_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_stack(base: Path) -> Iterator[RunningStack]:
    """A stack of this test alone, not yet started; ended after it."""
    one = RunningStack(base / "state")
    yield one
    one.end()


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """One running stack for a module of tests that only look."""
    folder = open_folder()
    running = RunningStack(folder / "state")
    try:
        yield running.up("--port", str(free_port()))
    finally:
        running.end()
        shutil.rmtree(folder, ignore_errors=True)
