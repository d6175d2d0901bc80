"""A district's register goes in: what counts, what is set aside, what a second reading changes."""

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from gateways.district_folder import Chunk
from models.attendance import Mark
from models.guardians import GuardianLink
from models.imports import ImportRun, QuarantineRow
from models.reliability import Outbox
from models.session import Sessions
from rules.errors import Invalid
from services.attendance_import import OpenImport, district_feed, import_feed, roll_back
from services.context import Actor
from tests.services.districts import NOW, a_tenant, calendar, expected, school, school_days, summaries, take_in, write
from tests.shared_data import shared

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 5)


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


def marks(student: str, codes: str) -> list[list[object]]:
    sittings = [(day, session) for day in DAYS for session in ("AM", "PM")]
    return [
        [f"{student}-{n}", student, "S", day, session, code, f"{day}T09:30:00Z", "", 0]
        for n, ((day, session), code) in enumerate(zip(sittings, codes, strict=False))
    ]


def small(folder: Path, codes: str = "/\\NN/\\//", **more: object) -> Path:
    tables: dict[str, list[list[object]]] = {
        "schools": [school()],
        "calendar": calendar(DAYS),
        "enrolments": [["a", "S", DAYS[0], "", ""]],
        "marks": marks("a", codes),
    }
    return write(folder, **{**tables, **more})  # type: ignore[arg-type]  # tables of rows


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        ("planted", "planted/expected_summaries.csv"),
        ("edfi/canonical", "edfi/canonical/expected/summaries.csv"),
        ("oea/canonical", "oea/canonical/expected/summaries.csv"),
    ],
)
def test_stored_summaries_are_the_oracles(sessions: Sessions, runner: asyncio.Runner, folder: str, wanted: str) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, shared("data", folder))
        assert await summaries(sessions, actor) == expected(shared("data", wanted))

    runner.run(story())


def test_reading_the_same_folder_again_changes_nothing(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        first = await take_in(sessions, actor, small(tmp_path))
        before = await summaries(sessions, actor)
        again = await take_in(sessions, actor, tmp_path)
        assert (first.counts["marks"], again.counts["marks"], again.duplicate) == (8, 0, 8)
        assert again.students_recomputed == 0
        assert await summaries(sessions, actor) == before

    runner.run(story())


def test_a_finished_import_tells_the_outbox_once(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        done = await take_in(sessions, actor, small(tmp_path))
        async with sessions.tenant(actor.tenant_id) as session:
            row = (await session.scalars(select(Outbox))).one()
        assert (row.kind, row.payload) == ("import.finished", {"import_id": str(done.import_id)})

    runner.run(story())


def test_rows_that_name_nobody_are_set_aside_with_a_reason(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        odd = [
            ["x", "nobody", "S", DAYS[0], "AM", "/", f"{DAYS[0]}T09:00:00Z", "", 0],
            ["y", "a", "Q", DAYS[0], "AM", "/", f"{DAYS[0]}T09:00:00Z", "", 0],
            ["z", "a", "S", "2026-02-30", "AM", "/", f"{DAYS[0]}T09:00:00Z", "", 0],
        ]
        done = await take_in(sessions, actor, small(tmp_path, marks=[*marks("a", "//"), *odd]))
        async with sessions.tenant(actor.tenant_id) as session:
            kept = sorted(map(tuple, await session.execute(select(QuarantineRow.line, QuarantineRow.problem))))
        assert kept == [(4, "UNKNOWN_STUDENT"), (5, "UNKNOWN_SCHOOL"), (6, "BAD_DATE")]
        assert (done.counts["marks"], done.quarantined) == (2, 3)

    runner.run(story())


def test_a_row_set_aside_is_kept_as_it_was_understood(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        odd = [
            ["x", "no\tbody", "S", DAYS[0], "AM", "\\", f"{DAYS[0]}T11:00:00+02:00", "7B", 1],
            ["y", "a", "S", "1999-12-31", "PM", "", f"{DAYS[0]}T09:00:00Z", "", 0],
            ["y", "a", "S", "1999-12-31", "PM", "", f"{DAYS[0]}T09:00:00Z", "", 0],
        ]
        await take_in(sessions, actor, small(tmp_path, marks=[*marks("a", "\\/"), *odd]))
        async with sessions.tenant(actor.tenant_id) as session:
            kept = {row.line: row for row in await session.scalars(select(QuarantineRow))}
            assert list(await session.scalars(select(Mark.code).order_by(Mark.ingest_seq))) == ["\\", "/"]
        assert [kept[line].problem for line in (4, 5, 6)] == ["UNKNOWN_STUDENT", "BAD_DATE", "BAD_DATE"]
        assert kept[5].row == kept[6].row
        assert kept[4].row == {
            "mark_id": "x",
            "student_id": "no\tbody",
            "school_id": "S",
            "date": "2026-09-01",
            "session": "AM",
            "code": "\\",
            "recorded_at": "2026-09-01 09:00:00+00:00",
            "register": "7B",
            "deleted": "True",
        }

    runner.run(story())


def test_a_code_set_without_a_map_refuses_the_import(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        with pytest.raises(Invalid, match=r"No code map for MARS: add its codes to code_map\.csv"):
            await take_in(sessions, actor, small(tmp_path, schools=[school(code_set="MARS")]))

    runner.run(story())


def test_an_interrupted_import_goes_on_where_it_stopped(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    def torn(feed: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in feed:
            yield chunk
            if chunk.table == "marks":
                raise OSError("the disk went away")

    async def story() -> None:
        actor = await a_tenant(sessions)
        folder = small(tmp_path)
        write(folder, marks=marks("a", "/\\"))
        (folder / "marks.csv").rename(folder / "marks_1.csv")
        write(folder, marks=marks("a", "/\\NN/\\//")[2:])
        (folder / "marks.csv").rename(folder / "marks_2.csv")
        order = OpenImport("district", "d", fingerprint="f")
        with pytest.raises(OSError, match="went away"):
            await import_feed(sessions, actor, order, torn(district_feed(folder, received_at=NOW)), now=NOW)
        async with sessions.tenant(actor.tenant_id) as session:
            run = (await session.scalars(select(ImportRun))).one()
            assert (run.status, run.counts["marks"]) == ("FAILED", 2)
        resumed = OpenImport("district", "d", fingerprint="f", resume=run.id)
        done = await import_feed(sessions, actor, resumed, district_feed(folder, received_at=NOW), now=NOW)
        assert (done.import_id, done.status, done.counts["marks"], done.duplicate) == (run.id, "FINISHED", 8, 0)
        assert (await summaries(sessions, actor))[3][8:10] == ["6", "8"]

    runner.run(story())


def test_an_import_can_be_taken_back(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, small(tmp_path, codes="////"))
        before = await summaries(sessions, actor)
        late = [["k", "a", "S", DAYS[0], "AM", "N", "2026-10-01T09:00:00Z", "", 0]]
        bad = await take_in(sessions, actor, small(tmp_path, marks=late))
        assert await summaries(sessions, actor) != before
        assert await roll_back(sessions, actor, bad.import_id, now=NOW) == 1
        assert await summaries(sessions, actor) == before

    runner.run(story())


def test_file_order_breaks_ties_within_and_across_imports(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    def mark(number: int, code: str) -> list[object]:
        return [number, "a", "S", DAYS[0], "AM", code, f"{DAYS[0]}T09:00:00Z", "", 0]

    async def code(actor: Actor) -> str:
        return (await summaries(sessions, actor))[0][5]

    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, small(tmp_path, marks=[mark(1, "N"), mark(2, "/"), mark(1, "N")]))
        assert await code(actor) == "N"  # the duplicate row came last
        await take_in(sessions, actor, small(tmp_path, marks=[mark(3, "L")]))
        assert await code(actor) == "L"
        await take_in(sessions, actor, small(tmp_path, marks=[mark(1, "N")]))
        assert await code(actor) == "L"  # read again: nothing new was said

    runner.run(story())


def test_a_row_twice_in_the_first_register_of_a_tenant_keeps_its_later_place(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    def mark(number: int, code: str) -> list[object]:
        return [number, "a", "S", DAYS[0], "AM", code, f"{DAYS[0]}T09:00:00Z", "", 0]

    async def story() -> None:
        actor = await a_tenant(sessions)
        for name, rows in (("1", [mark(1, "N"), mark(2, "/")]), ("2", [mark(1, "N"), mark(3, "U")]), ("3", [])):
            write(tmp_path, marks=rows)
            (tmp_path / "marks.csv").rename(tmp_path / f"marks_{name}.csv")
        folder = small(
            tmp_path, marks=[mark(2, "/"), mark(1, "N")]
        )  # read first: `marks.csv` sorts before `marks_1.csv`
        done = await take_in(sessions, actor, folder)
        assert (done.counts["marks"], done.duplicate) == (3, 3)
        async with sessions.tenant(actor.tenant_id) as session:
            kept = list(await session.scalars(select(Mark.mark_id).order_by(Mark.ingest_seq)))
        assert kept == ["2", "1", "3"]
        assert (await summaries(sessions, actor))[0][5] == "U"

    runner.run(story())


def test_what_nobody_said_about_a_guardian_stays_unknown_and_an_import_never_widens(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path
) -> None:
    async def links(actor: Actor) -> list[tuple[bool | None, bool | None]]:
        async with sessions.tenant(actor.tenant_id) as session:
            wanted = select(GuardianLink.parental_responsibility, GuardianLink.may_receive_letters)
            return [(row[0], row[1]) for row in await session.execute(wanted)]

    def told(responsible: str, letters: str) -> Path:
        return small(
            tmp_path,
            students=[["a", "A", "B"]],
            guardians=[["g", "G", "en", ""]],
            student_guardians=[["a", "g", "mother", responsible, "1", letters]],
        )

    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, told("", ""))
        assert await links(actor) == [(None, None)]
        await take_in(sessions, actor, told("1", "1"))
        assert await links(actor) == [(None, None)]
        await take_in(sessions, actor, told("0", "0"))
        assert await links(actor) == [(False, False)]

    runner.run(story())


def test_marks_are_kept_where_they_do_not_count_yet(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        done = await take_in(sessions, actor, small(tmp_path, calendar=calendar(DAYS[:2]), codes="/\\NNNN"))
        assert done.issues["MARK_ON_CLOSED_SESSION"]["count"] == 2
        assert [row[10] for row in await summaries(sessions, actor)] == ["0", "1"]
        async with sessions.tenant(actor.tenant_id) as session:
            assert await session.scalar(select(func.count()).select_from(Mark)) == 6
        await take_in(sessions, actor, write(tmp_path, calendar=calendar(DAYS[:3])))
        assert [row[10] for row in await summaries(sessions, actor)] == ["0", "1", "2"]

    runner.run(story())


def test_no_name_reaches_the_issues_or_the_outbox(sessions: Sessions, runner: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        done = await take_in(sessions, actor, small(tmp_path, students=[["a", "Canary", "Yellow"]], codes="??"))
        assert "Canary" not in str(done)
        async with sessions.tenant(actor.tenant_id) as session:
            assert not await session.scalar(text("select exists (select from outbox where payload::text ~ 'Canary')"))

    runner.run(story())
