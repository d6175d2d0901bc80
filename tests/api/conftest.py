"""The district of this test module, on its own database."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from api.app import create_app
from api.dependencies import ApiDependencies
from api.security import DemoTokens
from models.session import engine_for
from tests.api.district import KEY, NOW, District, settle
from tests.api.issuers import Issuer, issuing
from tests.keys import opened_on
from tests.servers.kinds import Database


@pytest.fixture(scope="module")
def district(database: Database) -> Iterator[District]:
    with asyncio.Runner() as runner:
        engine = engine_for(database.app_url)
        sessions = opened_on(engine)

        async def database_answers() -> None:
            async with sessions.untenanted() as session:
                await session.connection()

        parts = ApiDependencies(
            sessions=sessions, tokens=DemoTokens(KEY), clock=lambda: NOW, probes={"database": database_answers}
        )
        ours = runner.run(settle(sessions, f"ours-{uuid4().hex[:6]}"))
        theirs = runner.run(settle(sessions, f"theirs-{uuid4().hex[:6]}"))
        yield District(create_app(parts), sessions, runner, ours, theirs)
        runner.run(engine.dispose())


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An identity provider of this module's own."""
    with issuing() as made:
        yield made
