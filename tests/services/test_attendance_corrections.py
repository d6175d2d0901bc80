"""Corrections by hand, and the promise that recomputing a little equals recomputing everything."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.attendance import Mark
from models.people import School
from models.session import Sessions, engine_for
from models.students import Student
from rules.errors import Invalid
from services.attendance import (
    Change,
    CorrectedMark,
    CorrectRegister,
    OpenSession,
    SetCalendar,
    correct_register,
    set_calendar,
)
from services.context import Actor
from tests.keys import opened_on
from tests.servers.kinds import Database
from tests.services.districts import NOW, a_tenant, calendar, facts, school, school_days, summaries, take_in, write

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 7, 27), 8)  # over the first of August: two school years


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


def mark(day: date, session: str, code: str, **more: object) -> list[object]:
    given = {"at": f"{day}T09:30:00Z", "register": "", "deleted": 0, "student": "a", **more}
    key = f"{given['student']}{day}{session}{code}{given['at']}{given['register']}{given['deleted']}"
    return [key, given["student"], "S", day, session, code, given["at"], given["register"], given["deleted"]]


@dataclass(frozen=True)
class Pupil:
    """Whom a correction is about."""

    student_id: UUID
    school_id: UUID


async def the_pupil(sessions: Sessions, actor: Actor) -> Pupil:
    async with sessions.tenant(actor.tenant_id) as session:
        student = (await session.scalars(select(Student.id).where(Student.source_id == "a"))).one()
        return Pupil(student, (await session.scalars(select(School.id))).one())


async def a_school(sessions: Sessions, folder: Path, marks: list[list[object]]) -> Actor:
    actor = await a_tenant(sessions)
    enrolments = [["a", "S", DAYS[0], "", ""], ["b", "S", DAYS[0], DAYS[5], ""]]
    write(folder, schools=[school()], calendar=calendar(DAYS), enrolments=enrolments, marks=marks)
    await take_in(sessions, actor, folder)
    return actor


async def correct(sessions: Sessions, actor: Actor, pupil: Pupil, code: str | None, **more: Any) -> list[Change]:
    wanted = {"date": DAYS[1], "session": "AM", **more}
    now, reason = wanted.pop("now", NOW), wanted.pop("reason", "seen in class")
    command = CorrectRegister(pupil.student_id, pupil.school_id, [CorrectedMark(code=code, **wanted)], reason)
    async with sessions.tenant(actor.tenant_id) as session:
        return list((await correct_register(session, actor, command, now=now)).changes)


def test_a_correction_is_a_later_row_and_the_summaries_follow(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, [mark(DAYS[1], "AM", "N"), mark(DAYS[1], "PM", "N")])
        pupil = await the_pupil(sessions, actor)
        (done,) = await correct(sessions, actor, pupil, "/")
        assert (done.before, done.after) == (("UNAUTHORISED_ABSENT", "N"), ("PRESENT", "/"))
        day = next(row for row in await summaries(sessions, actor) if row[:3] == ["a", "S", str(DAYS[1])])
        assert day[7:] == ["50.00", "1", "2", "0", "0.5"]
        async with sessions.tenant(actor.tenant_id) as session:
            rows = (await session.scalars(select(Mark.code).order_by(Mark.ingest_seq))).all()
        assert rows == ["N", "N", "/"]

    runner.run(story())


def test_a_correction_speaks_on_every_register_of_the_session(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        twice = [mark(DAYS[1], "AM", "/", register="maths"), mark(DAYS[1], "AM", "/", register="art")]
        actor = await a_school(sessions, tmp_path, twice)
        (done,) = await correct(sessions, actor, await the_pupil(sessions, actor), "N")
        assert done.after == ("UNAUTHORISED_ABSENT", "N")

    runner.run(story())


def test_a_withdrawn_mark_is_no_mark_not_present(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, [mark(DAYS[1], "AM", "N")])
        (done,) = await correct(sessions, actor, await the_pupil(sessions, actor), None)
        assert (done.before, done.after) == (("UNAUTHORISED_ABSENT", "N"), None)

    runner.run(story())


def test_a_corrected_day_is_every_session_the_student_had(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, [mark(DAYS[1], "DAY", "N")])
        pupil = await the_pupil(sessions, actor)
        done = await correct(sessions, actor, pupil, "I", session="DAY")
        assert [(change.session, change.after) for change in done] == [
            ("AM", ("AUTHORISED_ABSENT", "I")),
            ("PM", ("AUTHORISED_ABSENT", "I")),
        ]

    runner.run(story())


def test_of_several_marks_none_is_corrected_unless_all_can_be(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, [mark(DAYS[1], "AM", "N")])
        pupil = await the_pupil(sessions, actor)
        for second, problem in (
            (CorrectedMark(DAYS[1], "DAY", "/"), "session_twice"),
            (CorrectedMark(DAYS[2], "AM", "??"), "code_unknown"),
        ):
            both = [CorrectedMark(DAYS[1], "AM", "/"), second]
            command = CorrectRegister(pupil.student_id, pupil.school_id, both, "seen in class")
            with pytest.raises(Invalid) as refused:
                async with sessions.tenant(actor.tenant_id) as session:
                    await correct_register(session, actor, command, now=NOW)
            assert refused.value.code == problem
        async with sessions.tenant(actor.tenant_id) as session:
            assert (await session.scalars(select(Mark.code))).all() == ["N"]

    runner.run(story())


@pytest.mark.parametrize(
    ("changed", "code", "problem"),
    [
        ({"reason": " "}, "/", "reason_missing"),
        ({"date": DAYS[1] - timedelta(days=60)}, "/", "session_not_scheduled"),
        ({"now": datetime(2026, 7, 1, tzinfo=UTC)}, "/", "date_in_future"),
        ({}, "??", "code_unknown"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_with_its_reason(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path, changed: dict[str, Any], code: str, problem: str
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, [])
        pupil = await the_pupil(sessions, actor)
        with pytest.raises(Invalid) as refused:
            await correct(sessions, actor, pupil, code, **changed)
        assert refused.value.code == problem

    runner.run(story())


def test_a_closure_entered_late_is_skipped_by_the_run(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        missed = [mark(day, s, "N") for day in (DAYS[5], DAYS[7]) for s in ("AM", "PM")]
        actor = await a_school(sessions, tmp_path, [*missed, *[mark(DAYS[6], s, "/") for s in ("AM", "PM")]])
        pupil = await the_pupil(sessions, actor)
        command = SetCalendar(pupil.school_id, DAYS[6], DAYS[6], (), "burst pipe")
        async with sessions.tenant(actor.tenant_id) as session:
            await set_calendar(session, actor, command, now=NOW)
        runs = [row[10] for row in await summaries(sessions, actor) if row[0] == "a"]
        assert runs[-2:] == ["1", "2"]
        reopened = SetCalendar(pupil.school_id, DAYS[6], DAYS[6], [OpenSession(DAYS[6], "AM")], "half a day after all")
        async with sessions.tenant(actor.tenant_id) as session:
            await set_calendar(session, actor, reopened, now=NOW)
        assert [row[10] for row in await summaries(sessions, actor) if row[0] == "a"][-3:] == ["1", "0", "1"]

    runner.run(story())


registers = st.sampled_from(["", "maths", "art"])
rows = st.builds(
    lambda student, day, session, code, minute, register, deleted: mark(
        day,
        session,
        code,
        at=f"2026-09-{minute:02}T09:00:00Z",
        register=register,
        deleted=int(deleted),
        student=student,
    ),
    st.sampled_from(["a", "b", "old"]),
    st.sampled_from(DAYS),
    st.sampled_from(["AM", "PM", "DAY"]),
    st.sampled_from(["/", "\\", "N", "I", "L", "U", "D", "-", "?"]),
    st.integers(1, 6),
    registers,
    st.booleans(),
)
steps = st.lists(
    st.one_of(
        st.lists(rows, min_size=1, max_size=8).map(lambda found: {"marks": found}),
        st.sets(st.sampled_from(DAYS[1:-1]), max_size=3).map(
            lambda closed: {"calendar": calendar(day for day in DAYS if day not in closed)}
        ),
        st.sampled_from(DAYS).map(
            lambda last: {"enrolments": [["a", "S", DAYS[0], last, ""], ["a", "S", DAYS[6], "", "AM"]]}
        ),
        st.sampled_from(["a", "b"]).map(lambda new: {"student_merges": [["old", new]]}),
    ),
    min_size=1,
    max_size=4,
)


def emptied(folder: str) -> None:
    for file in Path(folder).iterdir():
        file.unlink()


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.lists(rows, max_size=15),
    changes=steps,
    policy=st.sampled_from(["EXCLUDE", "PRESENT"]),
    basis=st.sampled_from(["", "DAYS_50PCT"]),
)
@example(  # an id merged into another student than before: the first one loses its marks
    first=[mark(DAYS[5], "AM", "I", student="old")],
    changes=[{"student_merges": [["old", "a"]]}, {"student_merges": [["old", "b"]]}],
    policy="EXCLUDE",
    basis="",
)
def test_recomputing_what_changed_equals_reading_everything_anew(
    database: Database, first: list[list[object]], changes: list[dict[str, Any]], policy: str, basis: str
) -> None:
    async def story() -> None:
        sessions = opened_on(engine_for(database.app_url, pool_size=3))
        little, whole = await a_tenant(sessions), await a_tenant(sessions)
        tables: dict[str, Any] = {
            "schools": [school(policy=policy, day_basis=basis)],
            "calendar": calendar(DAYS),
            "enrolments": [[student, "S", DAYS[0], "", ""] for student in ("a", "b", "old")],
            "marks": first,
        }
        with tempfile.TemporaryDirectory() as folder:
            await take_in(sessions, little, write(Path(folder), **tables))
            for change in changes:
                emptied(folder)
                await take_in(sessions, little, write(Path(folder), **change))
                seen = change
                if "marks" in change:  # a row that was read before says nothing new, and keeps its place
                    new = [row for row in change["marks"] if row not in tables["marks"]]
                    seen = {"marks": tables["marks"] + new}
                if "enrolments" in change:
                    kept = [row for row in tables["enrolments"] if row[0] != "a"]
                    seen = {"enrolments": [*kept, *change["enrolments"]]}
                tables |= seen
            emptied(folder)
            await take_in(sessions, whole, write(Path(folder), **tables))
        assert await summaries(sessions, little) == await summaries(sessions, whole)
        assert await facts(sessions, little) == await facts(sessions, whole)
        await sessions.engine.dispose()

    asyncio.run(story())
