"""A school-day that looks wrong: nothing is decided on it until a person releases it or a correction clears it."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.attendance import RegisterArrival
from models.audit import AuditEntry
from models.delivery import Breaker
from models.instances import Event, Instance, Task
from models.people import School
from models.reliability import Outbox
from models.rulesets import Evaluation, LateTrip, NightlyRun
from models.session import Sessions
from services import breaker_words, breakers, nightly
from services.breakers import ReleaseBreaker
from services.context import Actor
from services.evaluation_days import evaluation_date
from services.nightly import Evaluated
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.services.test_nightly import THREE_DAYS, activate

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 24)
PUPILS = [f"p{n:02}" for n in range(30)]
D = 10  # the day in question


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


def register(
    first: int, last: int, odd: Callable[[str, int], str] = lambda _, __: "/", at: int | None = None
) -> list[list[object]]:
    """Marks of days first..last-1 for everybody: what `odd` says, else `/`; recorded on the day."""
    return [
        [f"{pupil}{n}{session}{at or n}", pupil, "S", DAYS[n], session, code, f"{DAYS[at or n]}T10:00:00Z", "", 0]
        for n in range(first, last)
        for pupil in PUPILS
        if (code := odd(pupil, n)) != "."
        for session in ("AM", "PM")
    ]


async def a_school(sessions: Sessions, folder: Path, marks: list[list[object]]) -> Actor:
    actor = await a_tenant(sessions)
    write(
        folder,
        schools=[school()],
        calendar=calendar(DAYS),
        enrolments=[[pupil, "S", DAYS[0], "", ""] for pupil in PUPILS],
        marks=marks,
    )
    await take_in(sessions, actor, folder, now=night(0))
    await activate(sessions, actor, "three", THREE_DAYS)
    return actor


def night(day: int) -> datetime:
    return datetime.combine(DAYS[day], datetime.min.time(), UTC) + timedelta(hours=20)


async def a_pass(sessions: Sessions, actor: Actor, now: datetime) -> Evaluated:
    """As the nightly workflow does it."""
    async with sessions.tenant(actor.tenant_id) as session:
        await nightly.judge_held(session, actor, "Europe/London", now=now)
        due = await nightly.due_schools(session, "Europe/London", now=now)
    return await nightly.run_nightly(sessions, actor, due, known_at=now, now=now)


async def rows(sessions: Sessions, actor: Actor, table: Any, *where: Any) -> list[Any]:
    async with sessions.tenant(actor.tenant_id) as session:
        return list((await session.scalars(select(table).where(*where).order_by(*table.__table__.primary_key))).all())


async def told(sessions: Sessions, actor: Actor) -> tuple[Breaker, str]:
    async with sessions.tenant(actor.tenant_id) as session:
        row = (await session.scalars(select(Breaker))).one()
        return row, (await breaker_words.told(session, row, codes=True)).sentence


async def release(sessions: Sessions, actor: Actor, row: Breaker, now: datetime) -> None:
    async with sessions.tenant(actor.tenant_id) as session:
        await breakers.release(session, actor, ReleaseBreaker(row.id, "The school was open, half were ill."), now=now)


async def decided_on(sessions: Sessions, actor: Actor, now: datetime) -> date | None:
    async with sessions.tenant(actor.tenant_id) as session:
        return await evaluation_date(session, (await session.scalars(select(School.id))).one(), now)


def snow(pupil: str, day: int) -> str:
    return "N" if (day == D and pupil != "p29") or (day, pupil) == (2, "p07") else "/"


def strike(pupil: str, day: int) -> str:
    return "N" if day == D and pupil < "p10" else "/"


def remapped(pupil: str, day: int) -> str:
    return "B" if day < D else "N" if pupil < "p05" else "B"


def test_a_snow_day_holds_the_school_until_a_leader_releases_it(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D, snow))
        assert (await a_pass(sessions, actor, night(D - 1))).opened == 0
        await take_in(sessions, actor, write(tmp_path, marks=register(D, D + 1, snow)), now=night(D))
        assert await a_pass(sessions, actor, night(D)) == Evaluated()
        row, sentence = await told(sessions, actor)
        assert (row.kind, row.status, row.date, row.facts["cause"]) == ("SUSPECT_DAY", "OPEN", DAYS[D], "WHOLE_SCHOOL")
        assert sentence.startswith(
            "96.7 % of the sessions are absences; usual is 0.0 %, the limit 25.0 %. Nearly every"
        )
        assert "(code N): a closure (a snow day)" in sentence
        assert await decided_on(sessions, actor, night(D)) == DAYS[D - 1], "no running case decides on it either"
        (task,) = await rows(sessions, actor, Task)
        assert (task.kind, task.role, task.status) == ("look_at_breaker", "school_leader", "OPEN")
        # a good day after it counts it too: it waits with it
        await take_in(sessions, actor, write(tmp_path, marks=register(D + 1, D + 2)), now=night(D + 1))
        assert (await a_pass(sessions, actor, night(D + 1))).opened == 0
        assert max(run.date for run in await rows(sessions, actor, NightlyRun)) == DAYS[D - 1]
        await release(sessions, actor, row, night(D + 1))
        assert await decided_on(sessions, actor, night(D + 1)) == DAYS[D + 1]
        await a_pass(sessions, actor, night(D + 1))
        assert {DAYS[D], DAYS[D + 1]} <= {run.date for run in await rows(sessions, actor, NightlyRun)}, "in order"
        (row,) = await rows(sessions, actor, Breaker)
        assert (row.status, row.release_reason) == ("RELEASED", "The school was open, half were ill.")
        assert [one.status for one in await rows(sessions, actor, Task)] == ["DONE"]
        verbs = [one.verb for one in await rows(sessions, actor, AuditEntry, AuditEntry.subject_kind == "breaker")]
        assert verbs == ["trip_breaker", "release_breaker"]
        sent = await rows(sessions, actor, Outbox, Outbox.subject.startswith("breaker"))
        kinds = [(one.kind, one.payload.get("type", "")) for one in sorted(sent, key=lambda one: one.seq)]
        assert kinds == [
            ("event", "org.handrail.BreakerOpened.v1"),
            ("event", "org.handrail.BreakerClosed.v1"),
            ("breaker.closed", ""),
        ]
        assert '"N"' not in str([one.payload for one in sent]).replace("'", '"'), "no register code leaves"

    runner.run(story())


def test_a_correction_that_makes_the_day_ordinary_clears_it(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D))
        await a_pass(sessions, actor, night(D - 1))
        await take_in(sessions, actor, write(tmp_path, marks=register(D, D + 1, snow)), now=night(D))
        await a_pass(sessions, actor, night(D))
        await take_in(sessions, actor, write(tmp_path, marks=register(D, D + 1, at=D + 1)), now=night(D + 1))
        await a_pass(sessions, actor, night(D + 1))
        (row,) = await rows(sessions, actor, Breaker)
        assert (row.status, row.released_by) == ("CLEARED", None)
        assert max(run.date for run in await rows(sessions, actor, NightlyRun)) == DAYS[D]
        assert [one.status for one in await rows(sessions, actor, Task)] == ["CANCELLED"]
        # and if it is spoiled again, it is held again
        marks = [[f"again{pupil}{s}", pupil, "S", DAYS[D], s, "N", f"{DAYS[D + 1]}T22:00:00Z", "", 0]
                 for pupil in PUPILS for s in ("AM", "PM")]  # fmt: skip
        await take_in(sessions, actor, write(tmp_path, marks=marks), now=night(D + 2))
        await a_pass(sessions, actor, night(D + 2))
        (row,) = await rows(sessions, actor, Breaker)
        assert row.status == "OPEN"

    runner.run(story())


def test_a_code_map_that_turns_presence_into_absence_holds_the_day_and_the_past_it_spoils(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D, lambda _, __: "B"))
        await a_pass(sessions, actor, night(D - 1))
        # half the pupils' code turns into absence by a new map: the same marks tell another story from now on
        write(tmp_path, marks=register(D, D + 1, remapped), code_map=[["UK", "B", "UNAUTHORISED_ABSENT", 0]])
        await take_in(sessions, actor, tmp_path, now=night(D))
        await a_pass(sessions, actor, night(D))
        found = await rows(sessions, actor, Breaker)
        assert {row.status for row in found} == {"OPEN"}
        assert {row.date for row in found} == set(DAYS[: D + 1]), (
            "the day itself, and the past that the map has spoiled"
        )

    runner.run(story())


def test_an_incomplete_register_clears_when_the_rest_arrives(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D))
        await a_pass(sessions, actor, night(D - 1))
        late = register(D, D + 1, lambda pupil, _: "." if pupil < "p04" else "/")
        await take_in(sessions, actor, write(tmp_path, marks=late), now=night(D))
        await a_pass(sessions, actor, night(D))
        _, sentence = await told(sessions, actor)
        assert (
            sentence == "The register is 86.7 % complete. Registers are missing. It clears by itself when they arrive."
        )
        await take_in(sessions, actor, write(tmp_path, marks=register(D, D + 1)), now=night(D))
        await a_pass(sessions, actor, night(D) + timedelta(hours=1))
        (row,) = await rows(sessions, actor, Breaker)
        assert row.status == "CLEARED"
        assert max(run.date for run in await rows(sessions, actor, NightlyRun)) == DAYS[D]

    runner.run(story())


def test_a_first_import_is_no_witness_for_itself(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D + 1, lambda pupil, _: "N" if pupil < "p10" else "/"))
        assert await a_pass(sessions, actor, night(D)) == Evaluated()
        row, _ = await told(sessions, actor)
        assert row.date == DAYS[D], "a third absent every day: one day to look at, not all of them"
        assert await rows(sessions, actor, Instance) == []
        await release(sessions, actor, row, night(D))
        assert (await a_pass(sessions, actor, night(D))).opened == 10
        days = await rows(sessions, actor, RegisterArrival)
        assert {(one.students, one.scheduled, one.possible) for one in days} == {(30, 60, 60)}
        # the next morning like the ones before passes: three times the median is the limit now
        more = register(D + 1, D + 2, lambda pupil, _: "N" if pupil < "p10" else "/")
        await take_in(sessions, actor, write(tmp_path, marks=more), now=night(D + 1))
        await a_pass(sessions, actor, night(D + 1))
        assert [one.status for one in await rows(sessions, actor, Breaker)] == ["RELEASED"]

    runner.run(story())


def test_a_released_day_that_becomes_worse_is_held_again(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D))
        await a_pass(sessions, actor, night(D - 1))
        await take_in(sessions, actor, write(tmp_path, marks=register(D, D + 1, strike)), now=night(D))
        await a_pass(sessions, actor, night(D))
        row, _ = await told(sessions, actor)
        await release(sessions, actor, row, night(D))
        await a_pass(sessions, actor, night(D))
        assert max(run.date for run in await rows(sessions, actor, NightlyRun)) == DAYS[D]
        worse = register(D, D + 1, lambda pupil, _: "N" if pupil < "p20" else "/", at=D + 1)
        await take_in(sessions, actor, write(tmp_path, marks=worse), now=night(D + 1))
        await a_pass(sessions, actor, night(D + 1))
        row, sentence = await told(sessions, actor)
        assert (row.status, row.released_at, sentence[:7]) == ("OPEN", None, "66.7 % ")

    runner.run(story())


def test_nights_that_were_missed_are_evaluated_in_order_and_only_once(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    """The machine was down for three nights: who was over the threshold on the first of them only is still seen."""

    def ill(pupil: str, day: int) -> str:
        return "I" if pupil == "p03" and day in {D + 1, D + 2, D + 3} else "/"

    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D + 1))
        await a_pass(sessions, actor, night(D))
        await take_in(sessions, actor, write(tmp_path, marks=register(D + 1, D + 5, ill)), now=night(D + 4))
        await activate(sessions, actor, "just-now", THREE_DAYS)
        async with sessions.tenant(actor.tenant_id) as session:
            due = await nightly.due_schools(session, "Europe/London", now=night(D + 4))
        assert [(one.on, one.catching_up) for one in due] == [
            (DAYS[D + 1], True),
            (DAYS[D + 2], True),
            (DAYS[D + 3], True),
            (DAYS[D + 4], False),
        ]
        done = await a_pass(sessions, actor, night(D + 4))
        assert done.opened == 2, "one case for each of the two rule sets"
        entries = {one.rule_set_key: one.entry_date for one in await rows(sessions, actor, Instance)}
        assert entries == {"three": DAYS[D + 3], "just-now": DAYS[D + 4]}, "what is new in force has missed no night"
        assert await a_pass(sessions, actor, night(D + 4)) == Evaluated(), "nothing is due twice"

    runner.run(story())


def test_an_unchanged_night_writes_nothing(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    """Only what changed goes on: no case, signal, evaluation, event or audit row comes of a night like the last one."""

    def ill(pupil: str, day: int) -> str:
        return "N" if pupil == "p03" and day in {1, 2, 3} else "/"

    async def story() -> None:
        actor = await a_school(sessions, tmp_path, register(0, D, ill))
        assert (await a_pass(sessions, actor, night(D - 1))).opened == 1
        before = [await rows(sessions, actor, table) for table in (Instance, Evaluation, Event, LateTrip)]
        told = [row.id for row in await rows(sessions, actor, Outbox, Outbox.kind.startswith("instance"))]
        await take_in(sessions, actor, write(tmp_path, marks=register(D, D + 1)), now=night(D))
        done = await a_pass(sessions, actor, night(D))
        assert (done.students, done.changed, done.opened, done.signalled, done.absorbed) == (30, 0, 0, 0, 0)
        after = [await rows(sessions, actor, table) for table in (Instance, Evaluation, Event, LateTrip)]
        assert [[row.id for row in table] for table in after] == [[row.id for row in table] for table in before]
        assert told == [row.id for row in await rows(sessions, actor, Outbox, Outbox.kind.startswith("instance"))]
        verbs = [row.verb for row in await rows(sessions, actor, AuditEntry)]
        assert verbs.count("evaluate") == 1, "of the first night"

    runner.run(story())
