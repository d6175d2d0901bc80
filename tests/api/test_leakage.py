"""Two tenants asked at once through few connections, some callers hang up: no answer shows the other's ids."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.session import Sessions, engine_for
from tests.api.district import District, Tenancy
from tests.api.furnished import furnish
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
CALLERS, ROUNDS, CONNECTIONS = 24, 12, 3
PATHS = (
    "/students",
    "/schools",
    "/cases",
    "/tasks",
    "/meetings",
    "/contact-stops",
    "/letters/artifacts",
    "/interventions/queue",
    "/interventions/rules",
    "/students/{student}",
    "/students/{student}/guardians",
    "/interventions/students/{student}",
)


class BoundOnce(Sessions):
    """The mistake a hammer must see: the tenant is set on the connection, by whoever comes first, and stays there."""

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[AsyncSession]:
        async with self._maker() as session, session.begin():
            present = await session.scalar(text("select nullif(current_setting('app.current_tenant', true), '')"))
            if present is None:
                told = {"tenant": str(tenant_id)}
                await session.execute(text("select set_config('app.current_tenant', :tenant, false)"), told)
            yield session


class Hammer:
    """Many callers of both tenants; counts what was answered, what was broken off, and what showed the other's."""

    def __init__(self, app: FastAPI, district: District) -> None:
        self.app, self.district = app, district
        self.answered = self.broken_off = self.leaks = 0
        houses = (district.ours, district.theirs)
        self.tokens = {house.key: district.token("district_admin", tenancy=house) for house in houses}
        self.ids = {house.key: _ids(house) for house in houses}

    async def run(self) -> None:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000/api/v1") as client:
            await asyncio.gather(*[self._caller(client, random.Random(number)) for number in range(CALLERS)])

    async def _caller(self, client: httpx.AsyncClient, dice: random.Random) -> None:
        for _ in range(ROUNDS):
            mine, other = dice.sample((self.district.ours, self.district.theirs), 2)
            path = dice.choice(PATHS).format(student=dice.choice([*mine.students.values()]))
            asking = asyncio.ensure_future(client.get(path, headers=self._headers(mine)))
            if dice.random() < 0.25:
                for _ in range(dice.randrange(1, 40)):
                    await asyncio.sleep(0)
                asking.cancel()
            try:
                answer = await asking
            except asyncio.CancelledError:
                self.broken_off += 1
            else:
                self._looked_at(answer, other)

    def _looked_at(self, answer: httpx.Response, other: Tenancy) -> None:
        self.answered += 1
        self.leaks += any(one in answer.text for one in self.ids[other.key])

    def _headers(self, house: Tenancy) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[house.key]}"}


def _ids(house: Tenancy) -> list[str]:
    return [
        str(one) for named in (house.students, house.schools, house.people, house.guardians) for one in named.values()
    ]


@pytest.fixture(scope="module")
def furnished(district: District) -> District:
    district.run(furnish(district, district.ours))
    district.run(furnish(district, district.theirs))
    return district


def hammered(district: District, database: Database, sessions: type[Sessions]) -> Hammer:
    async def story() -> Hammer:
        engine: AsyncEngine = engine_for(database.app_url, pool_size=CONNECTIONS)
        parts, info = district.app.state.parts, dict(district.sessions._maker.kw["info"])
        district.app.state.parts = replace(parts, sessions=sessions(engine, info))
        hammer = Hammer(district.app, district)
        await hammer.run()
        district.app.state.parts = parts
        await engine.dispose()
        return hammer

    return district.run(story())


def test_no_answer_shows_anything_of_another_tenant(furnished: District, database: Database) -> None:
    hammer = hammered(furnished, database, Sessions)
    assert hammer.answered > CALLERS * ROUNDS / 2
    assert hammer.broken_off
    assert hammer.leaks == 0


def test_the_control_leaks_so_the_hammer_is_not_blind(furnished: District, database: Database) -> None:
    assert hammered(furnished, database, BoundOnce).leaks
