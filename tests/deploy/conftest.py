"""A data folder for one stack, and a stack shared by the tests that only look."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import free_port
from tests.deploy.stacks import RunningStack


def _open_folder() -> Path:
    """Make a folder that other users may pass through, as the database server does when it runs as `nobody`."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-stack-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder of this test for data folders."""
    folder = _open_folder()
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
    folder = _open_folder()
    running = RunningStack(folder / "state")
    try:
        yield running.up("--port", str(free_port()))
    finally:
        running.end()
        shutil.rmtree(folder, ignore_errors=True)
