"""A backtest over the register is the folder's, event for event and figure for figure, whatever dies on the way."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

import cli
from bulk.backtest import Backtest as Replay
from bulk.backtest import Known, backtest, events_of
from bulk.vocabulary import as_day
from cli.evaluate import load
from models.audit import AuditEntry
from models.backtests import Backtest, BacktestWalk
from models.people import School
from models.queries.keyset import Window
from models.reliability import Outbox
from models.session import Sessions
from models.students import Student, StudentAttribute
from rules.errors import Conflict, Invalid, NotFound
from rules.rulesets.backtests import AT_ONCE, BacktestStatus, StepChange, bits_of, change_of, stepped
from rules.rulesets.ruleset import dump_ruleset, load_pack, parse_ruleset
from services import backtest_walks, backtests
from services.backtest_parts import Walked
from services.backtest_walks import Asked
from services.backtests import NamedRules, OpenBacktest
from services.context import Actor
from services.scopes import EVERYTHING
from tests.bulk.tiny import FIRST, district
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write

pytestmark = pytest.mark.servers
Tell = Callable[[Callable[[], Any]], None]
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MONDAYS = school_days(date(2025, 9, 1), 60)
PUPILS = 44
EASY = {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 10}}
POOLED = {"type": "AbsenceCountThreshold", "params": {"count": 1, "window": 8, "unit": "SCHOOL", "across": "TENANT"}}


def quick(entry: dict[str, Any]) -> dict[str, Any]:
    """A ladder that much happens on."""
    return {
        "key": "quick",
        "title": "Quick",
        "entry": entry,
        "stages": [
            {"key": "letter", "type": "LETTER", "template": "L1", "wait_school_days": 5},
            {"key": "meeting", "type": "MEETING", "wait_school_days": 3},
        ],
        "stop": [
            {"key": "better", "when": {"all": [{"not": EASY}, {"type": "StageAge", "params": {"school_days": 4}}]}},
            {"key": "exempt", "when": {"type": "ExemptionActive"}, "then": "STOPPED"},
        ],
        "follow_up": {"weeks": 2, "relapse": EASY, "relapse_to": "meeting"},
    }


def asked(first: date, last: date, *documents: dict[str, Any], school_id: UUID | None = None) -> OpenBacktest:
    return OpenBacktest(school_id, [NamedRules(None, one) for one in documents], first, last, 1, {})


async def on_thread(work: Callable[[], Walked]) -> Walked:
    return await asyncio.to_thread(work)


async def begun(sessions: Sessions, actor: Actor, command: OpenBacktest) -> UUID:
    async with sessions.tenant(actor.tenant_id) as session:
        return (await backtests.begin(session, actor, command, now=NOW)).id


async def carried_out(sessions: Sessions, actor: Actor, backtest_id: UUID) -> Backtest:
    """What the workflow does, in its order."""
    async with sessions.tenant(actor.tenant_id) as session:
        planned = await backtest_walks.plan(session, backtest_id, now=NOW)
    for school_id in planned or ():
        assert await backtest_walks.walk_school(sessions, actor, Asked(backtest_id, school_id), on_thread, now=NOW)
    async with sessions.tenant(actor.tenant_id) as session:
        await backtest_walks.sum_up(session, actor, backtest_id, now=NOW)
    return await read(sessions, actor, backtest_id)


async def read(sessions: Sessions, actor: Actor, backtest_id: UUID) -> Backtest:
    async with sessions.tenant(actor.tenant_id) as session:
        return await backtests.get(session, backtest_id)


async def walks(sessions: Sessions, actor: Actor, backtest_id: UUID) -> dict[tuple[str, str], list[Any]]:
    """(student, school) as the register names them -> the steps under each rule set."""
    async with sessions.tenant(actor.tenant_id) as session:
        wanted = select(Student.source_id, School.source_id, BacktestWalk.steps).where(
            BacktestWalk.backtest_id == backtest_id,
            Student.id == BacktestWalk.student_id,
            School.id == BacktestWalk.school_id,
        )
        return {(student, at): steps for student, at, steps in await session.execute(wanted)}


def of_folder(data: Path, span: tuple[date, date], documents: Sequence[dict[str, Any]]) -> dict[Any, list[Any]]:
    """The same of the folder's backtest; whoever has no event is left out."""
    loaded = load(data).build()
    rulesets = [parse_ruleset(one) for one in documents]
    outcome = backtest(loaded, Known.nothing(loaded), Replay(rulesets, as_day(span[0]), as_day(span[1]), 1))
    found: dict[Any, list[Any]] = {}
    for at, ruleset in enumerate(rulesets):
        for event in events_of(ruleset, outcome.replayed[at]):
            school_id = loaded.schools[int(loaded.pair_school[event.person])].school_id
            mine = found.setdefault((loaded.pair_student[event.person], school_id), [[] for _ in rulesets])
            acts = event.acts_on.isoformat() if event.acts_on else None
            mine[at].append([event.on.isoformat(), event.what.value, event.stage, acts])
    return found


@pytest.mark.parametrize("seed", range(4))
def test_any_register_gives_what_its_folder_gives_event_for_event(
    sessions: Sessions, tell: Tell, tmp_path: Path, seed: int
) -> None:
    days = 110
    data = district(tmp_path / "data", Random(seed), days, 700)
    documents = [quick(EASY), quick(POOLED)]
    span = (FIRST + timedelta(days=3), FIRST + timedelta(days=days - 5))

    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, data)
        row = await carried_out(sessions, actor, await begun(sessions, actor, asked(*span, *documents)))
        found = {who: steps for who, steps in (await walks(sessions, actor, row.id)).items() if any(steps)}
        assert found == of_folder(data, span, documents)
        assert any(any(steps) for steps in found.values()), "a district in which nothing happens shows nothing"

    tell(story)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Every third of 44 pupils at two schools misses each Monday to Wednesday; one of them is exempt."""
    at = {n: "N" if n < PUPILS // 2 else "S" for n in range(PUPILS)}
    return write(
        tmp_path / "town",
        schools=[school("N"), school("S")],
        calendar=[*calendar(MONDAYS, "N"), *calendar(MONDAYS, "S")],
        students=[[f"p{n:02}", "A", "B"] for n in at],
        enrolments=[[f"p{n:02}", where, MONDAYS[0], "", "AM|PM"] for n, where in at.items()],
        marks=[
            [f"{n}-{day}", f"p{n:02}", where, day, "DAY", absent(n, day), f"{day}T09:00:00Z", "", "0"]
            for n, where in at.items()
            for day in MONDAYS
        ],
    )


def absent(n: int, day: date) -> str:
    return "O" if n % 3 == 0 and day.weekday() < 3 else "/"


GENERAL = dump_ruleset(load_pack("general"))
SPAN = (MONDAYS[0], MONDAYS[-1])


def named(figures: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Figures with the schools as the register names them."""
    for group in figures["groups"]:
        group["value"] = names.get(group["value"], group["value"])
    return figures


def test_the_figures_are_those_of_simulate(
    sessions: Sessions, tell: Tell, town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(quick(EASY)))
    options = ["--rules", "general", "--against", str(rules), "--approval-days", "1", "--from", str(SPAN[0])]
    about = "\n".join(f"p{n:02},{5 + n % 2},{'FM'[n % 2]},en" for n in range(PUPILS))
    (town / "students.csv").rename(tmp_path / "students.csv")
    (town / "students.csv").write_text(f"student_id,year_group,sex,home_language\n{about}\n")
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--data", str(town), "--out", str(tmp_path / "out"), *options, "--to", str(SPAN[1])])
    capsys.readouterr()
    (tmp_path / "students.csv").replace(town / "students.csv")
    expected = json.loads((tmp_path / "out" / "figures.json").read_text())

    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        names = await described(sessions, actor)
        row = await carried_out(sessions, actor, await begun(sessions, actor, asked(*SPAN, GENERAL, quick(EASY))))
        assert (row.status, row.students_done, row.students_total) == (BacktestStatus.FINISHED, PUPILS, PUPILS)
        assert row.figures is not None
        found = named(row.figures, names)
        order = itemgetter("by", "value")  # the order of groups says nothing
        assert sorted(found.pop("groups"), key=order) == sorted(expected.pop("groups"), key=order)
        assert found == expected
        assert sum(week["hours"][1] for week in found["weeks"]) > 0

    tell(story)


async def described(sessions: Sessions, actor: Actor) -> dict[str, str]:
    """Say of each pupil what the folder's file says; the schools' names by our ids."""
    async with sessions.tenant(actor.tenant_id) as session:
        for n in range(PUPILS):
            mine = Student.source_id == f"p{n:02}"
            await session.execute(update(Student).where(mine).values(year_group=str(5 + n % 2), home_language="en"))
            student_id = (await session.scalars(select(Student.id).where(mine))).one()
            session.add(StudentAttribute(student_id=student_id, kind="SEX", value="FM"[n % 2]))
        return {str(our_id): source for our_id, source in await session.execute(select(School.id, School.source_id))}


def test_whoever_takes_it_up_again_walks_nobody_twice_and_the_result_is_the_same(
    sessions: Sessions, tell: Tell, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_walks, "AT_A_TIME", 5)
    tries = 0

    async def dies(work: Callable[[], Walked]) -> Walked:
        nonlocal tries
        tries += 1
        if tries == 3:
            raise ConnectionError("the worker was killed here")
        return await on_thread(work)

    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        whole = await carried_out(sessions, actor, await begun(sessions, actor, asked(*SPAN, quick(EASY))))
        killed = await begun(sessions, actor, asked(*SPAN, quick(EASY)))
        async with sessions.tenant(actor.tenant_id) as session:
            (first, _) = await backtest_walks.plan(session, killed, now=NOW) or []
        with pytest.raises(ConnectionError):
            await backtest_walks.walk_school(sessions, actor, Asked(killed, first), dies, now=NOW)
        half = await read(sessions, actor, killed)
        assert (half.students_done, half.students_total, half.status) == (10, PUPILS, BacktestStatus.RUNNING)
        again = await carried_out(sessions, actor, killed)
        assert again.figures == whole.figures
        assert again.student_days == whole.student_days
        assert len(await walks(sessions, actor, killed)) == PUPILS

    tell(story)


def test_two_workers_at_once_write_each_student_once(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        one = await begun(sessions, actor, asked(*SPAN, quick(EASY)))
        async with sessions.tenant(actor.tenant_id) as session:
            planned = await backtest_walks.plan(session, one, now=NOW) or []
        both = [
            backtest_walks.walk_school(sessions, actor, Asked(one, planned[0]), on_thread, now=NOW) for _ in range(2)
        ]
        assert await asyncio.gather(*both) == [True, True]
        assert (await read(sessions, actor, one)).students_done == PUPILS // 2

    tell(story)


def test_a_cancelled_one_ends_at_once_and_keeps_nobody(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        one = await begun(sessions, actor, asked(*SPAN, quick(EASY)))
        async with sessions.tenant(actor.tenant_id) as session:
            planned = await backtest_walks.plan(session, one, now=NOW) or []

        async def meanwhile(work: Callable[[], Walked]) -> Walked:
            async with sessions.tenant(actor.tenant_id) as session:
                await backtests.cancel(session, actor, one, "Wrong year.", now=NOW)
            return await on_thread(work)

        assert not await backtest_walks.walk_school(sessions, actor, Asked(one, planned[0]), meanwhile, now=NOW)
        assert not await backtest_walks.walk_school(sessions, actor, Asked(one, planned[1]), on_thread, now=NOW)
        async with sessions.tenant(actor.tenant_id) as session:
            assert await backtest_walks.plan(session, one, now=NOW) is None
            assert await backtest_walks.sum_up(session, actor, one, now=NOW) is BacktestStatus.CANCELLED
            assert await backtest_walks.give_up(session, actor, one, "late", now=NOW) is BacktestStatus.CANCELLED
        row = await read(sessions, actor, one)
        assert (row.status, row.ended_at, row.figures, row.problem) == (BacktestStatus.CANCELLED, NOW, None, None)
        assert await walks(sessions, actor, one) == {}
        async with sessions.tenant(actor.tenant_id) as session:
            with pytest.raises(Conflict, match="CANCELLED already"):
                await backtests.cancel(session, actor, one, "Again.", now=NOW)
        async with sessions.tenant(actor.tenant_id) as session:
            verbs = select(AuditEntry.verb).where(AuditEntry.subject_id == one).order_by(AuditEntry.id)
            assert (await session.scalars(verbs)).all() == ["run_backtest", "cancel_backtest"]
            told = select(Outbox.kind).where(Outbox.subject == f"backtest/{one}").order_by(Outbox.seq)
            assert (await session.scalars(told)).all() == [backtests.START, backtests.CANCEL]

    tell(story)


def test_one_that_cannot_end_says_why_and_keeps_nobody(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        one = await begun(sessions, actor, asked(*SPAN, quick(EASY)))
        async with sessions.tenant(actor.tenant_id) as session:
            planned = await backtest_walks.plan(session, one, now=NOW) or []
        await backtest_walks.walk_school(sessions, actor, Asked(one, planned[0]), on_thread, now=NOW)
        async with sessions.tenant(actor.tenant_id) as session:
            ended = await backtest_walks.give_up(session, actor, one, "No school is there.", now=NOW)
        row = await read(sessions, actor, one)
        assert (ended, row.status, row.problem) == (BacktestStatus.FAILED, "FAILED", "No school is there.")
        assert await walks(sessions, actor, one) == {}

    tell(story)


def test_one_school_is_walked_alone_and_whoever_is_gone_is_left_out(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        async with sessions.tenant(actor.tenant_id) as session:
            north = (await session.scalars(select(School.id).where(School.source_id == "N"))).one()
            for name, gone in (("p00", {"deleted_at": NOW}), ("p03", {"deceased_on": NOW.date()})):
                await session.execute(update(Student).where(Student.source_id == name).values(**gone))
        command = asked(*SPAN, quick(EASY), school_id=north)
        row = await carried_out(sessions, actor, await begun(sessions, actor, command))
        found = await walks(sessions, actor, row.id)
        assert set(found) == {(f"p{n:02}", "N") for n in range(PUPILS // 2)} - {("p00", "N"), ("p03", "N")}
        assert row.students_total == PUPILS // 2 - 2

    tell(story)


def test_who_is_added_and_who_is_dropped_is_told_by_name(sessions: Sessions, tell: Tell, town: Path) -> None:
    later = {"type": "AbsenceCountThreshold", "params": {"count": 300, "window": 365}}
    pages = Window(100)

    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        row = await carried_out(sessions, actor, await begun(sessions, actor, asked(*SPAN, quick(later), quick(EASY))))
        async with sessions.tenant(actor.tenant_id) as session:
            added = await backtests.students(session, row, EVERYTHING, StepChange.ADDED, pages)
            assert {one.student.source_id for one in added} == {f"p{n:02}" for n in range(0, PUPILS, 3)}
            assert [one.walk.steps[0] for one in added] == [[]] * len(added)
            for other in (StepChange.DROPPED, StepChange.BOTH):
                assert await backtests.students(session, row, EVERYTHING, other, pages) == []
        single = await carried_out(sessions, actor, await begun(sessions, actor, asked(*SPAN, quick(EASY))))
        going = await begun(sessions, actor, asked(*SPAN, quick(EASY)))
        async with sessions.tenant(actor.tenant_id) as session:
            with pytest.raises(Invalid, match="nobody is added"):
                await backtests.students(session, single, EVERYTHING, StepChange.ADDED, pages)
            assert len(await backtests.students(session, single, EVERYTHING, None, pages)) == len(added)
            with pytest.raises(Conflict, match="names nobody yet"):
                await backtests.students(session, await backtests.get(session, going), EVERYTHING, None, pages)

    tell(story)


def test_what_cannot_be_replayed_is_refused_with_what_to_do(sessions: Sessions, tell: Tell, town: Path) -> None:
    async def story() -> None:
        actor = await a_tenant(sessions)
        await take_in(sessions, actor, town)
        strange = quick(EASY) | {"scope": {"schools": [str(uuid4())]}}
        wrong: list[tuple[OpenBacktest, str]] = [
            (asked(SPAN[1], SPAN[0], GENERAL), "cannot be replayed"),
            (asked(SPAN[0], SPAN[0] + timedelta(days=800), GENERAL), "cannot be replayed"),
            (asked(*SPAN, strange), "None of the rule set's schools"),
            (OpenBacktest(None, [NamedRules(None, GENERAL)], *SPAN, 0, {"LETTERS": 3}), "no such kind of step"),
        ]
        for command, says in wrong:
            with pytest.raises(Invalid, match=says):
                await begun(sessions, actor, command)
        for _ in range(AT_ONCE):
            await begun(sessions, actor, asked(*SPAN, GENERAL))
        with pytest.raises(Conflict, match="3 backtests are going"):
            await begun(sessions, actor, asked(*SPAN, GENERAL))
        async with sessions.tenant(actor.tenant_id) as session:
            assert await session.scalar(select(func.count()).select_from(Backtest)) == AT_ONCE
        with pytest.raises(NotFound):
            await read(sessions, actor, uuid4())

    tell(story)


def test_a_change_is_told_by_its_bits() -> None:
    assert [change_of(bits) for bits in range(4)] == [None, StepChange.DROPPED, StepChange.ADDED, StepChange.BOTH]
    assert [change_of(bits_of(change)) for change in StepChange] == list(StepChange)
    assert [stepped(steps) for steps in ([False], [True], [False, True], [True, True])] == [0, 1, 2, 3]
