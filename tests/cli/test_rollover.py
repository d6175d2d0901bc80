"""`handrail rollover --check`: each thing that is missing for the next year is named, and nothing else."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from cli.rollover import command
from models.attendance import CalendarSession, Enrolment
from models.instances import Instance, Proposal
from models.people import School
from models.rulesets import RuleSet, RuleSetVersion
from models.students import Student
from models.tenants import Tenant
from models.transfers import Transfer
from models.year_ends import YearEnd
from rules.rulesets.ruleset import dump_ruleset
from services import rollover
from services.rollover import Unready
from tests.cli.running import ran, said
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database
from tests.services.seeding import NOW, PACK, TODAY, Family, World

pytestmark = pytest.mark.servers
JULY = date(2027, 7, 1)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[World]:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_MASTER_KEYS", MASTER_KEYS)
    world = World(database)
    yield world
    world.close()


def within(world: World, family: Family, *rows: Any, **changes: Any) -> None:
    """Put rows into the tenant; the next year's calendar and its partitions unless told otherwise."""

    async def write() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add_all(rows)
            for day in changes.get("days", ()):
                session.add(CalendarSession(school_id=family.school_id, date=day, session="AM"))
            if changes.get("days"):
                await session.execute(select(func.ensure_year_partitions(date(2027, 9, 1))))

    world.run(write())


def found(world: World, family: Family, on: date = JULY) -> list[Unready]:
    async def look() -> list[Unready]:
        async with world.sessions.tenant(family.tenant_id) as session:
            (school,) = await rollover.check(session, on=on)
            return [one.kind for one in school.findings]

    return world.run(look())


def days(many: int) -> list[date]:
    return [date(2027, 9, 1) + timedelta(days=n) for n in range(many)]


def test_what_is_missing_is_named_with_what_to_do(world: World) -> None:
    family = world.family()

    async def key() -> str:
        async with world.sessions.untenanted() as session:
            return (await session.get_one(Tenant, family.tenant_id)).key

    tenant = world.run(key())
    missing = ran(command, "--check", "--tenant", tenant, "--on", JULY.isoformat())
    assert missing.exit_code == 1
    assert (
        "CALENDAR_MISSING    no open day from 2027-08-01 on: import or enter the new year's calendar" in missing.output
    )
    assert missing.output.splitlines()[-1].endswith('"early": 0, "ready": false}')
    early = said(ran(command, "--check", "--tenant", tenant, "--on", "2027-06-16"))
    assert (early["early"], early["ready"]) == (1, True)
    within(world, family, days=days(190))
    assert said(ran(command, "--check", "--tenant", tenant, "--on", "2027-06-17")) == {
        "on": "2027-06-17",
        "schools": 1,
        "early": 0,
        "ready": True,
    }
    assert ran(command, "--tenant", tenant).exit_code == 2


def test_a_short_calendar_an_ended_enrolment_and_a_missing_year_group(world: World) -> None:
    family = world.family()
    within(world, family, days=days(99))
    assert found(world, family) == [Unready.CALENDAR_SHORT]
    within(world, family, days=days(100)[99:])
    assert found(world, family) == []
    world.change(family, update(Student).values(year_group=None))
    assert found(world, family) == [Unready.YEAR_GROUP_MISSING]
    world.change(family, update(Enrolment).values(end_date=JULY))
    assert found(world, family) == [Unready.NOBODY_STAYS]


def test_steps_that_wait_students_who_come_and_rules_that_end(world: World) -> None:
    family = world.family()
    step = {"stage_index": 0, "stage_key": "contact", "stage_type": "CONTACT", "approval": "STAFF"}
    coming = {"from_school_id": family.school_id, "to_school_id": family.school_id}
    within(
        world,
        family,
        Proposal(instance_id=family.instance_id, proposed_at=NOW, **step),
        Transfer(
            instance_id=family.instance_id, student_id=family.student_id, opened_at=NOW, decide_by=TODAY, **coming
        ),
        days=days(100),
    )
    assert found(world, family) == [Unready.STEPS_WAITING, Unready.TRANSFERS_PENDING]
    asked = YearEnd(
        instance_id=family.instance_id,
        student_id=family.student_id,
        begins=date(2027, 8, 1),
        opened_at=NOW,
        decide_by=TODAY,
    )
    within(world, family, asked)
    assert found(world, family)[-1] == Unready.YEAR_ENDS_OPEN
    chosen = {"year_end": {"begins": "2027-08-01", "choice": "CARRY"}}
    world.change(family, update(Instance).values(state=chosen))
    assert found(world, family) == [Unready.STEPS_WAITING, Unready.TRANSFERS_PENDING]
    world.change(family, update(Transfer).values(status="UNDONE"))
    world.change(family, update(Proposal).values(status="DONE"))
    ended = dump_ruleset(PACK) | {"key": "old", "effective_to": "2027-07-31"}

    async def another() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            rule_set = RuleSet(key="old", title="Old")
            session.add(rule_set)
            await session.flush()
            session.add(
                RuleSetVersion(rule_set_id=rule_set.id, version=1, digest="0" * 64, content=ended, status="ACTIVE")
            )

    world.run(another())
    assert found(world, family) == [Unready.RULE_SET_ENDS]


def test_partitions_of_a_year_far_ahead_are_missing(world: World) -> None:
    family = world.family()
    world.change(family, update(School).values(year_start="01-01"))
    assert Unready.PARTITIONS_MISSING in found(world, family, date(2040, 12, 1))
