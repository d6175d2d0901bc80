"""The nightly pass opens exactly the cases the oracle trips, once, on the evening it first could know."""

import asyncio
import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from models.instances import Event, Instance
from models.people import School
from models.reliability import Outbox
from models.rulesets import Evaluation, LateTrip, RuleSet, RuleSetVersion
from models.session import Sessions
from models.students import Student
from rules.rulesets.ruleset import digest, dump_ruleset, parse_ruleset
from services import nightly
from services.context import Actor
from services.nightly import Due, Evaluated, run_nightly
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.shared_data import shared

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 12)
THREE_DAYS = {"type": "AbsenceCountThreshold", "params": {"count": 3, "window": 30, "unit": "CALENDAR"}}


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


async def activate(sessions: Sessions, actor: Actor, key: str, entry: Any) -> str:
    """An active version whose entry is this condition."""
    stages = [{"key": "contact", "type": "CONTACT"}]
    ruleset = parse_ruleset({"key": key, "title": key, "entry": entry, "stages": stages})
    async with sessions.tenant(actor.tenant_id) as session:
        row = RuleSet(key=key, title=key)
        session.add(row)
        await session.flush()
        session.add(
            RuleSetVersion(
                rule_set_id=row.id, version=1, digest=digest(ruleset), content=dump_ruleset(ruleset), status="ACTIVE"
            )
        )
    return digest(ruleset)


async def the_school(sessions: Sessions, actor: Actor) -> UUID:
    async with sessions.tenant(actor.tenant_id) as session:
        return (await session.scalars(select(School.id))).one()


async def evening(sessions: Sessions, actor: Actor, day: date) -> Evaluated:
    known_at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=23, minutes=59, seconds=59)
    due = [Due(await the_school(sessions, actor), day)]
    return await run_nightly(sessions, actor, due, known_at=known_at, now=known_at)


async def starts(sessions: Sessions, actor: Actor) -> dict[tuple[str, str], list[str]]:
    """(rule set, student) -> the date its case opened, then the dates of trips the open case absorbed."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    opened = select(Instance.rule_set_key, Student.source_id, Instance.entry_date).join(
        Student, Student.id == Instance.student_id
    )
    absorbed = (
        select(Instance.rule_set_key, Student.source_id, Event.data["date"].as_string())
        .join(Instance, Instance.id == Event.instance_id)
        .join(Student, Student.id == Event.student_id)
        .where(Event.type == "TRIP_ABSORBED")
        .order_by(Event.occurred_at)
    )
    async with sessions.tenant(actor.tenant_id) as session:
        for statement in (opened, absorbed):
            for key, student, day in await session.execute(statement):
                found[key, student].append(str(day))
    return dict(found)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_evening_of_the_planted_district_opens_what_the_oracle_trips(
    sessions: Sessions, runner: asyncio.Runner
) -> None:
    async def story() -> None:
        folder = shared("data", "planted")
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, folder)
        for rule in json.loads((folder / "rules.json").read_text()):
            key = rule["rule_id"].lower().replace("_", "-")
            await activate(sessions, actor, key, {"type": rule["type"], "params": rule["params"]})
        with (folder / "calendar.csv").open() as stream:
            days = sorted({date.fromisoformat(row["date"]) for row in csv.DictReader(stream)})
        for day in days:
            await evening(sessions, actor, day)
        with (folder / "expected_nightly.csv").open() as stream:
            wanted = {
                (row["rule_id"].lower().replace("_", "-"), row["student_id"]): row["all_rising_edges"].split(";")
                for row in csv.DictReader(stream)
                if row["first_trip_date"]
            }
        assert await starts(sessions, actor) == wanted

    runner.run(story())


def marks(codes: str, recorded: str = "T09:30:00Z") -> list[list[object]]:
    """One code per day for both sessions; `.` leaves a day unmarked."""
    return [
        [f"{day}{session}{code}", "a", "S", day, session, code, f"{day}{recorded}", "", 0]
        for day, code in zip(DAYS, codes, strict=False)
        for session in ("AM", "PM")
        if code != "."
    ]


def correction(day: date, code: str, on: date) -> list[list[object]]:
    return [[f"c{day}{s}{code}", "a", "S", day, s, code, f"{on}T08:00:00Z", "", 0] for s in ("AM", "PM")]


async def a_school(sessions: Sessions, folder: Path, codes: str) -> Actor:
    actor = await a_tenant(sessions)
    write(
        folder,
        schools=[school()],
        calendar=calendar(DAYS),
        enrolments=[["a", "S", DAYS[0], "", ""]],
        marks=marks(codes),
    )
    await take_in(sessions, actor, folder)
    await activate(sessions, actor, "three", THREE_DAYS)
    return actor


async def outbox(sessions: Sessions, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    async with sessions.tenant(actor.tenant_id) as session:
        wanted = select(Outbox.kind, Outbox.payload).where(Outbox.kind.startswith("instance")).order_by(Outbox.seq)
        return [(row.kind, row.payload) for row in await session.execute(wanted)]


async def close(sessions: Sessions, actor: Actor) -> None:
    async with sessions.tenant(actor.tenant_id) as session:
        await session.execute(text("update instance set status = 'STOPPED', phase = 'CLOSED', closed_at = now()"))


def test_the_same_evening_twice_changes_nothing(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/")
        assert (await evening(sessions, actor, DAYS[2])).opened == 1
        again = await evening(sessions, actor, DAYS[2])
        assert (again.opened, again.signalled, again.absorbed) == (0, 0, 0)
        async with sessions.tenant(actor.tenant_id) as session:
            instance = (await session.scalars(select(Instance))).one()
            seen = (await session.scalars(select(Evaluation))).one()
        assert (instance.status, instance.entry_date, instance.entry_evaluation_id) == ("STARTING", DAYS[2], seen.id)
        assert seen.metrics == {"absent_half_days/calendar:30/all": 6, **seen.metrics}
        assert await outbox(sessions, actor) == [("instance.start", {"instance_id": str(instance.id)})]

    runner.run(story())


def test_a_closed_case_starts_again_only_after_a_new_edge(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN////.")
        assert (await evening(sessions, actor, DAYS[2])).opened == 1
        await close(sessions, actor)
        assert [(await evening(sessions, actor, day)).opened for day in DAYS[3:6]] == [0, 0, 0]
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "/", DAYS[6])))
        assert (await evening(sessions, actor, DAYS[6])).opened == 0  # false now
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[7], "N", DAYS[7])))
        assert (await evening(sessions, actor, DAYS[7])).opened == 1

    runner.run(story())


def test_a_correction_of_the_past_is_told_to_the_open_case(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNNN//")
        await evening(sessions, actor, DAYS[3])
        assert (await evening(sessions, actor, DAYS[4])).signalled >= 0
        before = len(await outbox(sessions, actor))
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "/", DAYS[5])))
        assert (await evening(sessions, actor, DAYS[5])).signalled == 1
        kind, payload = (await outbox(sessions, actor))[before]
        assert (kind, payload["signal"], payload["argument"]["corrected"]) == (
            "instance.signal",
            "attendance_changed",
            True,
        )

    runner.run(story())


def test_what_became_true_for_the_past_only_is_listed_and_starts_nothing(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        days = [*DAYS[:3], *school_days(DAYS[0] + timedelta(days=45), 3)]
        early = [
            [f"{d}{s}", "a", "S", d, s, "N" if d != days[0] else "/", f"{d}T09:00:00Z", "", 0]
            for d in days[:3]
            for s in ("AM", "PM")
        ]
        folder = write(
            tmp_path,
            schools=[school()],
            calendar=calendar(days),
            enrolments=[["a", "S", days[0], "", ""]],
            marks=early,
        )
        await take_in(sessions, actor, folder)
        await activate(sessions, actor, "three", THREE_DAYS)
        assert (await evening(sessions, actor, days[3])).opened == 0
        await take_in(sessions, actor, write(tmp_path, marks=correction(days[0], "N", days[4])))
        done = await evening(sessions, actor, days[4])
        assert (done.opened, done.late_trips) == (0, 1)
        assert (await evening(sessions, actor, days[5])).late_trips == 0
        async with sessions.tenant(actor.tenant_id) as session:
            assert (await session.scalars(select(LateTrip.date))).one() == days[2]

    runner.run(story())


def test_a_school_is_due_once_its_register_has_arrived_and_not_again_without_news(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def due(actor: Actor, now: datetime) -> list[date]:
        async with sessions.tenant(actor.tenant_id) as session:
            return [school.on for school in await nightly.due_schools(session, "Europe/London", now=now)]

    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "//.")
        noon = datetime.combine(DAYS[2], datetime.min.time(), UTC) + timedelta(hours=12)
        assert await due(actor, noon) == [DAYS[1]]  # never the running day
        assert await due(actor, noon + timedelta(hours=9)) == [DAYS[1]]  # its register has not arrived
        await run_nightly(sessions, actor, [Due(await the_school(sessions, actor), DAYS[1])], known_at=noon, now=noon)
        assert await due(actor, noon) == []

    runner.run(story())
