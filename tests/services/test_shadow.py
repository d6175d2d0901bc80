"""Shadow mode: a candidate counts every night beside the version in force, is compared with it, and starts nothing."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from models.instances import Instance
from models.people import School
from models.queries.keyset import Window
from models.rulesets import RuleSet, RuleSetVersion, ShadowNight
from models.session import Sessions
from models.students import Student
from rules.errors import Conflict
from rules.rulesets.ruleset import digest, dump_ruleset, load_pack, parse_ruleset
from services import shadow
from services.context import Actor
from services.governed import MoveVersion
from services.nightly import Due, Evaluated, run_nightly
from services.scopes import EVERYTHING
from services.shadow import Asked
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.services.owing import Story

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 45)
MOMENT = datetime(2026, 9, 1, 12, tzinfo=UTC)
CODES = {"long": "NNNN/", "short": "NN///", "there": "/////"}
PAGE = Window(50, None)


def entering(days: int, **changed: Any) -> dict[str, Any]:
    """The general pack with another entry and none of its attached tests."""
    entry = {"type": "ConsecutiveAbsenceDays", "params": {"n": days}}
    return dump_ruleset(load_pack("general")) | {"entry": entry, "tests": [], **changed}


async def versions(sessions: Sessions, actor: Actor, contents: Sequence[tuple[str, dict[str, Any]]]) -> list[UUID]:
    async with sessions.tenant(actor.tenant_id) as session:
        owner = RuleSet(key="general", title="General")
        session.add(owner)
        await session.flush()
        found = []
        for number, (status, document) in enumerate(contents, 1):
            content = parse_ruleset(document)
            kept = {"digest": digest(content), "content": dump_ruleset(content), "status": status}
            row = RuleSetVersion(rule_set_id=owner.id, version=number, **kept)
            session.add(row)
            await session.flush()
            found.append(row.id)
        return found


async def a_school(sessions: Sessions, folder: Path) -> Actor:
    actor = await a_tenant(sessions)
    marks = [
        [f"{student}{day}{half}", student, "S", day, half, code, f"{day}T09:30:00Z", "", 0]
        for student, codes in CODES.items()
        for day, code in zip(DAYS, codes, strict=False)
        for half in ("AM", "PM")
    ]
    enrolled = [[student, "S", DAYS[0], "", ""] for student in CODES]
    write(folder, schools=[school()], calendar=calendar(DAYS), enrolments=enrolled, marks=marks)
    await take_in(sessions, actor, folder)
    return actor


async def evening(sessions: Sessions, actor: Actor, day: date) -> Evaluated:
    known_at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=23, minutes=59)
    async with sessions.tenant(actor.tenant_id) as session:
        school_id = (await session.scalars(select(School.id))).one()
    return await run_nightly(sessions, actor, [Due(school_id, day)], known_at=known_at, now=known_at)


async def put(sessions: Sessions, actor: Actor, version_id: UUID) -> None:
    async with sessions.tenant(actor.tenant_id) as session:
        await shadow.begin(session, actor, MoveVersion(version_id, "Try it first."), now=MOMENT)


async def told(
    sessions: Sessions, actor: Actor, version_id: UUID, on: date | None = None, language: str = "en"
) -> dict[str, tuple[str, str]]:
    """Student -> what would change for them, and why."""
    async with sessions.tenant(actor.tenant_id) as session:
        rows = await shadow.students(session, Asked(version_id, EVERYTHING, on), PAGE, language)
        return {one.student.source_id: (one.row.change, one.sentence) for one in rows}


async def counts(sessions: Sessions, actor: Actor, version_id: UUID) -> list[tuple[date, int, int, int, int]]:
    async with sessions.tenant(actor.tenant_id) as session:
        nights = await shadow.nights(session, Asked(version_id, EVERYTHING), PAGE)
        return [(one.date, one.in_force, one.candidate, one.added, one.dropped) for one in nights]


async def started(sessions: Sessions, actor: Actor) -> set[str]:
    async with sessions.tenant(actor.tenant_id) as session:
        wanted = select(Student.source_id).join(Instance, Instance.student_id == Student.id)
        return set((await session.scalars(wanted)).all())


def test_who_would_be_added_is_told_with_the_reason_and_nobody_starts(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path)
        _, candidate = await versions(sessions, actor, [("ACTIVE", entering(3)), ("APPROVED", entering(2))])
        await put(sessions, actor, candidate)
        await evening(sessions, actor, DAYS[1])
        assert await counts(sessions, actor, candidate) == [(DAYS[1], 0, 2, 2, 0)]
        assert await started(sessions, actor) == set()
        await evening(sessions, actor, DAYS[2])
        assert (await counts(sessions, actor, candidate))[-1] == (DAYS[2], 1, 1, 0, 0)
        assert await started(sessions, actor) == {"long"}  # by the version in force alone
        sentence = "2 school days missed in a row; threshold 2"
        added = {"long": ("ADDED", sentence), "short": ("ADDED", sentence)}
        assert await told(sessions, actor, candidate, DAYS[1]) == added
        assert await told(sessions, actor, candidate) == {}  # the last night: they agree
        polish = await told(sessions, actor, candidate, DAYS[1], "pl")
        assert polish["short"][1].startswith("2 opuszczone dni szkolne z rzędu")

    tell(story)


def test_who_would_be_dropped_is_told_with_how_far_away_they_are(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path)
        _, stricter, elsewhere = await versions(
            sessions,
            actor,
            [
                ("ACTIVE", entering(3)),
                ("IN_REVIEW", entering(4)),
                ("APPROVED", entering(3, jurisdiction="GB-ENG")),
            ],
        )
        for candidate in (stricter, elsewhere):
            await put(sessions, actor, candidate)
        await evening(sessions, actor, DAYS[2])
        assert await counts(sessions, actor, stricter) == [(DAYS[2], 1, 0, 0, 1)]
        why = "3 school days missed in a row; threshold 4; 1 more would reach it"
        assert await told(sessions, actor, stricter) == {"long": ("DROPPED", why)}
        assert await counts(sessions, actor, elsewhere) == [(DAYS[2], 1, 0, 0, 1)]
        assert await told(sessions, actor, elsewhere) == {"long": ("DROPPED", "")}  # no law at this school

    tell(story)


def test_a_candidate_of_a_rule_set_that_was_never_in_force_adds_everybody(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path)
        (candidate,) = await versions(sessions, actor, [("APPROVED", entering(2))])
        await put(sessions, actor, candidate)
        await evening(sessions, actor, DAYS[1])
        assert await counts(sessions, actor, candidate) == [(DAYS[1], 0, 2, 2, 0)]
        async with sessions.tenant(actor.tenant_id) as session:
            night = (await session.scalars(select(ShadowNight))).one()
            assert night.against_digest is None

    tell(story)


def test_the_same_night_again_says_it_once_and_names_go_after_five_weeks(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path)
        _, candidate = await versions(sessions, actor, [("ACTIVE", entering(3)), ("APPROVED", entering(2))])
        await put(sessions, actor, candidate)
        for day in (DAYS[1], DAYS[1], DAYS[25]):
            await evening(sessions, actor, day)
        assert [night[0] for night in await counts(sessions, actor, candidate)] == [DAYS[1], DAYS[25]]
        assert set(await told(sessions, actor, candidate, DAYS[1])) == {"long", "short"}
        await evening(sessions, actor, DAYS[44])
        assert await told(sessions, actor, candidate, DAYS[1]) == {}
        assert (await counts(sessions, actor, candidate))[0] == (DAYS[1], 0, 2, 2, 0)

    tell(story)


def test_a_shadow_is_for_candidates_and_ends_by_hand(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path)
        active, candidate = await versions(sessions, actor, [("ACTIVE", entering(3)), ("IN_REVIEW", entering(2))])
        with pytest.raises(Conflict, match="is ACTIVE; a shadow is for one that is in review or approved"):
            await put(sessions, actor, active)
        await put(sessions, actor, candidate)
        with pytest.raises(Conflict, match="is in shadow since 2026-09-01"):
            await put(sessions, actor, candidate)
        await evening(sessions, actor, DAYS[1])
        async with sessions.tenant(actor.tenant_id) as session:
            found = await shadow.end(session, actor, MoveVersion(candidate, "Seen enough."), now=MOMENT)
            assert found.row.shadow_since is None
            with pytest.raises(Conflict, match="is not in shadow"):
                await shadow.end(session, actor, MoveVersion(candidate, "Seen enough."), now=MOMENT)
        await evening(sessions, actor, DAYS[2])
        assert [night[0] for night in await counts(sessions, actor, candidate)] == [DAYS[1]]

    tell(story)
