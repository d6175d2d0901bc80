"""The migrations and the declared tables say the same, upwards, downwards and upwards again."""

import pytest

from models import migrate
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers


def test_up_down_and_up_again_equals_the_declared_tables(database: Database) -> None:
    migrate.upgrade(database.owner_url)
    migrate.check(database.owner_url)
    migrate.downgrade(database.owner_url)
    migrate.upgrade(database.owner_url)
    migrate.check(database.owner_url)
