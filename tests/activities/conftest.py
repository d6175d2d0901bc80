"""One world per test: its own event loop on the module's database, store and this test's mail server."""

from collections.abc import Iterator

import pytest

from tests.servers.kinds import Database, MailServer, Store
from tests.services.seeding import World


@pytest.fixture
def world(database: Database, s3: Store, smtp: MailServer) -> Iterator[World]:
    world = World(database, s3, smtp)
    yield world
    world.close()
