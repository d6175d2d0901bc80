"""A connection of the application role to a database that is ready for the school years a test speaks of."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Connection, create_engine, text

from tests.servers.kinds import Database


@contextmanager
def partitioned(database: Database, *days: date) -> Iterator[Connection]:
    engine = create_engine(database.app_url)
    with engine.connect() as connection:
        for day in days:
            connection.execute(text("select ensure_year_partitions(:day)"), {"day": day})
        connection.commit()
        yield connection
    engine.dispose()
