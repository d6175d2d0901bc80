"""One world per test: its own event loop on the module's database, store and this test's mail server."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from models.session import Sessions, engine_for
from tests.keys import opened_on
from tests.servers.kinds import Database, MailServer, Store
from tests.services.owing import Story
from tests.services.seeding import World


@pytest.fixture
def world(database: Database, s3: Store, smtp: MailServer) -> Iterator[World]:
    world = World(database, s3, smtp)
    yield world
    world.close()


@pytest.fixture
def sessions(database: Database) -> Sessions:
    """For tests that need the module's database alone; whoever runs a loop on it disposes of its engine."""
    return opened_on(engine_for(database.app_url, pool_size=3))


@pytest.fixture
def tell(sessions: Sessions) -> Iterator[Callable[[Story], None]]:
    """Runs a test's story on a loop of its own, then lets go of the database."""
    with asyncio.Runner() as runner:
        yield lambda story: runner.run(story())
        runner.run(sessions.engine.dispose())
