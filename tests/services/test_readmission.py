"""Rows that name a student nobody knows wait in the quarantine, and come in when the student does."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from models.attendance import Enrolment, Mark
from models.audit import AuditEntry
from models.guardians import GuardianLink
from models.imports import ImportRun, QuarantineRow
from models.session import Sessions
from models.students import Student
from rules.attendance.quality import advice
from services.attendance_import import SEQUENCE_SPAN, roll_back
from services.context import Actor
from services.inbound import Arrival, receive
from tests.services.districts import NOW, a_tenant, calendar, school, school_days, summaries, take_in, write

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 3)
LATER = NOW + timedelta(days=1)
LISTED = [["a", "Ada", "Byron"]]
EVERYBODY = [*LISTED, ["0b", "Blaise", "Pascal"]]


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


def marks(student: str, codes: str, *, recorded: bool = True) -> list[list[object]]:
    sittings = [(day, session) for day in DAYS for session in ("AM", "PM")]
    return [
        [f"{student}-{n}", student, "S", day, half, code, f"{day}T09:30:00Z" if recorded else "", "", 0]
        for n, ((day, half), code) in enumerate(zip(sittings, codes, strict=True))
    ]


def span(student: str, start: object = DAYS[0], end: object = "") -> list[object]:
    return [student, "S", start, end, ""]


def district(folder: Path, **more: Any) -> Path:
    """A school, a student list that leaves `0b` out, and a register that names both."""
    told: dict[str, Any] = {
        "schools": [school()],
        "calendar": calendar(DAYS),
        "students": LISTED,
        "enrolments": [span("a"), span("0b")],
        "marks": [*marks("a", "//////"), *marks("0b", "//NN/\\")],
    }
    return write(folder, **{**told, **more})


async def said(sessions: Sessions, actor: Actor, *columns: Any) -> list[tuple[Any, ...]]:
    async with sessions.tenant(actor.tenant_id) as session:
        return sorted(map(tuple, await session.execute(select(*columns))), key=str)


async def rows(sessions: Sessions, actor: Actor) -> list[tuple[Any, ...]]:
    return await said(
        sessions, actor, QuarantineRow.kind, QuarantineRow.line, QuarantineRow.problem, QuarantineRow.status
    )


def test_an_enrolment_of_nobody_on_the_list_is_set_aside_and_reported(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        done = await take_in(sessions, actor, district(tmp_path, marks=marks("a", "//////")))
        assert await rows(sessions, actor) == [("enrolments", 3, "UNKNOWN_STUDENT", "OPEN")]
        assert await said(sessions, actor, Student.source_id) == [("a",)]
        assert (done.counts["enrolments"], done.quarantined) == (1, 1)
        assert done.issues["UNKNOWN_STUDENT"] == {
            "count": 1,
            "advice": advice("UNKNOWN_STUDENT"),
            "first": [["0b", "S", None, "set aside: enrolments, row 3"]],
        }

    runner.run(story())


def test_without_a_student_list_the_enrolments_are_the_list(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        folder = district(tmp_path)
        (folder / "students.csv").unlink()
        done = await take_in(sessions, actor, folder)
        assert (done.counts["enrolments"], done.quarantined, done.issues) == (2, 0, {})
        write(folder, students=[])  # a list of nobody is no list
        assert (await take_in(sessions, actor, folder)).quarantined == 0
        assert await said(sessions, actor, Student.source_id) == [("0b",), ("a",)]

    runner.run(story())


def test_what_waited_comes_in_with_the_student_as_if_it_had_never_waited(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def kept(actor: Actor) -> list[tuple[Any, ...]]:
        async with sessions.tenant(actor.tenant_id) as session:
            columns = (Mark.mark_id, Mark.row_key, Mark.recorded_at, Mark.deleted, Mark.code)
            mine = select(*columns).join(Student, Student.id == Mark.student_id)
            came = select(ImportRun.number).join(Mark, Mark.import_id == ImportRun.id)
            places = select(Mark.ingest_seq // SEQUENCE_SPAN)
            assert set(await session.scalars(came)) == set(await session.scalars(places))
            ours = mine.where(Student.source_id == "0b").order_by(Mark.ingest_seq)
            return list(map(tuple, await session.execute(ours)))

    async def story() -> None:
        odd = [*marks("a", "//////"), *marks("0b", "//NN/\\", recorded=False)]
        complete, late = await a_tenant(sessions), await a_tenant(sessions)
        await take_in(sessions, complete, district(tmp_path / "all", students=EVERYBODY, marks=odd))
        first = await take_in(sessions, late, district(tmp_path / "late", marks=odd))
        assert first.quarantined == 7
        arrived = await take_in(sessions, late, write(tmp_path / "students", students=EVERYBODY), LATER)
        assert arrived.counts == {"students": 2, "readmitted": 7}
        assert arrived.students_recomputed == 1
        assert await summaries(sessions, late) == await summaries(sessions, complete)
        assert await kept(late) == await kept(complete)
        assert {row[-1] for row in await rows(sessions, late)} == {"RESOLVED"}
        assert ("readmit_rows", arrived.import_id) in await said(sessions, late, AuditEntry.verb, AuditEntry.subject_id)
        again = await take_in(sessions, late, write(tmp_path / "students", students=EVERYBODY), LATER)
        assert again.counts == {"students": 2}

    runner.run(story())


def test_the_files_of_an_import_keep_their_order(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        first, second = (
            marks("0b", "NNNNNN"),
            [[f"x{row[0]}", *row[1:5], "/", *row[6:]] for row in marks("0b", "NNNNNN")],
        )
        for name, told in (
            ("1", [*marks("a", "//////"), *first]),
            ("2", second),
        ):  # of two at one time the later counts
            write(tmp_path, marks=told)
            (tmp_path / "marks.csv").rename(tmp_path / f"marks_{name}.csv")
        folder = district(tmp_path, marks=[])
        (folder / "marks.csv").unlink()
        await take_in(sessions, actor, folder)
        await take_in(sessions, actor, write(tmp_path / "students", students=EVERYBODY), LATER)
        mine = [row for row in await summaries(sessions, actor) if row[0] == "0b"]
        assert {code for row in mine for code in row[5:7]} == {"/"}

    runner.run(story())


@pytest.mark.parametrize("newer", [[span("0b", DAYS[1])], []])
def test_of_several_files_the_last_word_on_a_student_and_school_counts(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path, newer: Sequence[Sequence[object]]
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        old = [span("a"), span("0b", DAYS[0], DAYS[0]), span("0b", DAYS[2])]
        await take_in(sessions, actor, district(tmp_path, enrolments=old, marks=[]))
        if newer:
            await take_in(sessions, actor, write(tmp_path / "newer", enrolments=newer), LATER)
        await take_in(sessions, actor, write(tmp_path / "students", students=EVERYBODY), LATER)
        async with sessions.tenant(actor.tenant_id) as session:
            mine = select(Enrolment.start_date).join(Student).where(Student.source_id == "0b")
            assert sorted(await session.scalars(mine)) == ([DAYS[1]] if newer else [DAYS[0], DAYS[2]])
        settled = [row[-1] for row in await rows(sessions, actor)]
        assert settled == (["RESOLVED", "DISMISSED", "DISMISSED"] if newer else ["RESOLVED", "RESOLVED"])

    runner.run(story())


def test_a_row_that_the_register_has_overtaken_is_left_aside(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, district(tmp_path))
        again = district(tmp_path, students=EVERYBODY, enrolments=[span("a"), span("0b", DAYS[2])])
        done = await take_in(sessions, actor, again, LATER)
        assert (done.quarantined, done.duplicate) == (0, 6)
        states = {(kind, status) for kind, _, _, status in await rows(sessions, actor)}
        assert states == {("enrolments", "DISMISSED"), ("marks", "RESOLVED")}
        async with sessions.tenant(actor.tenant_id) as session:
            mine = select(Enrolment.start_date).join(Student).where(Student.source_id == "0b")
            assert list(await session.scalars(mine)) == [DAYS[2]]
        assert len(await said(sessions, actor, Mark.row_key)) == 12  # the file's marks and those that waited are one

    runner.run(story())


def test_of_an_import_that_was_taken_back_nothing_comes_in(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        wrong = await take_in(sessions, actor, district(tmp_path))
        await roll_back(sessions, actor, wrong.import_id, now=NOW)
        done = await take_in(sessions, actor, write(tmp_path / "students", students=EVERYBODY), LATER)
        assert done.counts == {"students": 2}
        assert {row[-1] for row in await rows(sessions, actor)} == {"OPEN"}

    runner.run(story())


def test_who_may_receive_letters_never_comes_from_a_row_that_waited(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        people = {"guardians": [["g", "G", "en", ""]], "student_guardians": [["0b", "g", "father", 1, 1, 1]]}
        await take_in(sessions, actor, district(tmp_path, marks=[], **people))
        await take_in(sessions, actor, write(tmp_path / "students", students=EVERYBODY), LATER)
        assert await said(sessions, actor, GuardianLink.id) == []
        states = {(kind, status) for kind, _, _, status in await rows(sessions, actor)}
        assert states == {("enrolments", "RESOLVED"), ("student_guardians", "OPEN")}

    runner.run(story())


def test_a_student_told_by_an_event_brings_what_waited(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, district(tmp_path))
        event = {
            "specversion": "1.0",
            "id": "1",
            "source": "https://sis.example.org",
            "type": "org.handrail.inbound.StudentChanged.v1",
            "time": LATER.isoformat(),
            "data": {"student_id": "0b", "first_name": "Blaise", "last_name": "Pascal"},
        }
        async with sessions.tenant(actor.tenant_id) as session:
            (verdict,) = await receive(session, actor, [event], Arrival("api", LATER))
        assert verdict.result == "applied"
        assert {row[-1] for row in await rows(sessions, actor)} == {"RESOLVED"}
        mine = [row for row in await summaries(sessions, actor) if row[0] == "0b"]
        assert [row[10] for row in mine] == ["0", "1", "0"]

    runner.run(story())
