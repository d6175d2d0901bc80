"""Packs side by side at one school, each where and when it is law, and the law told with a step that rests on it."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from models.instances import Instance, Proposal
from models.people import School
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Sessions
from rules.ids import ProposalId
from rules.ladder.stages import Approval
from rules.ladder.state import Basis
from rules.ladder.words import ProposalKind
from rules.rulesets.model import RuleSet as Content
from rules.rulesets.ruleset import digest, dump_ruleset, ladder_snapshot, load_pack, parse_ruleset
from services.context import Actor, system
from services.nightly import Due, run_nightly
from services.proposals import NewProposal, open_proposal
from tests.servers.kinds import Database
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.services.seeding import World, grace

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 6)
GENERAL, ENGLAND = load_pack("general"), load_pack("gb-eng-2024")


@pytest.fixture
def runner(sessions: Sessions) -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner
        runner.run(sessions.engine.dispose())


def ended(pack: Content, last: date) -> Content:
    return parse_ruleset(dump_ruleset(pack) | {"key": f"{pack.key}-ended", "effective_to": last.isoformat()})


async def in_force(sessions: Sessions, actor: Actor, packs: Sequence[Content]) -> None:
    async with sessions.tenant(actor.tenant_id) as session:
        for pack in packs:
            row = RuleSet(key=pack.key, title=pack.title, jurisdiction=pack.jurisdiction)
            session.add(row)
            await session.flush()
            content = {"digest": digest(pack), "content": dump_ruleset(pack), "status": "ACTIVE"}
            session.add(RuleSetVersion(rule_set_id=row.id, version=1, **content))


async def a_school_of(sessions: Sessions, folder: Path, jurisdiction: str | None) -> tuple[Actor, UUID]:
    """Two students: one away without leave for five days, one who was there."""
    actor = await a_tenant(sessions)
    marks = [
        [f"{student}{day}{half}", student, "S", day, half, code, f"{day}T09:30:00Z", "", 0]
        for student, codes in (("away", "OOOOO/"), ("there", "//////"))
        for day, code in zip(DAYS, codes, strict=True)
        for half in ("AM", "PM")
    ]
    enrolled = [[student, "S", DAYS[0], "", ""] for student in ("away", "there")]
    write(folder, schools=[school()], calendar=calendar(DAYS), enrolments=enrolled, marks=marks)
    await take_in(sessions, actor, folder)
    async with sessions.tenant(actor.tenant_id) as session:
        place = (await session.scalars(select(School))).one()
        place.settings = {"jurisdiction": jurisdiction} if jurisdiction else {}
        return actor, place.id


async def opened(sessions: Sessions, actor: Actor, school_id: UUID, day: date) -> list[str]:
    """The rule sets under which cases were opened up to that evening."""
    known_at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=23, minutes=59)
    await run_nightly(sessions, actor, [Due(school_id, day)], known_at=known_at, now=known_at)
    async with sessions.tenant(actor.tenant_id) as session:
        return sorted((await session.scalars(select(Instance.rule_set_key))).all())


@pytest.mark.parametrize(
    ("jurisdiction", "keys"),
    [
        ("GB-ENG", ["gb-eng-2024", "gb-eng-2024-ended", "general"]),
        ("GB-WLS", ["general"]),
        (None, ["general"]),
    ],
)
def test_two_packs_stand_side_by_side_each_where_and_when_it_is_law(
    sessions: Sessions, runner: asyncio.Runner, tmp_path: Path, jurisdiction: str | None, keys: list[str]
) -> None:
    async def story() -> None:
        actor, school_id = await a_school_of(sessions, tmp_path, jurisdiction)
        last = ended(ENGLAND, DAYS[4])
        gone = parse_ruleset(dump_ruleset(ended(ENGLAND, DAYS[3])) | {"key": "gone"})
        await in_force(sessions, actor, [GENERAL, ENGLAND, load_pack("us-ca"), last, gone])
        assert await opened(sessions, actor, school_id, DAYS[4]) == keys

    runner.run(story())


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    world = World(database)
    yield world
    world.close()


@pytest.mark.parametrize("stage_key", ["notice-to-improve", "letter-1"])
def test_a_step_of_law_is_proposed_with_its_source_and_the_day_it_was_checked(world: World, stage_key: str) -> None:
    family = world.family(grace())

    async def proposed() -> Proposal:
        await in_force(world.sessions, system(family.tenant_id, "workflow", "packs"), [ENGLAND])
        async with world.sessions.tenant(family.tenant_id) as session:
            pinned = update(Instance).where(Instance.id == family.instance_id)
            await session.execute(pinned.values(digest=digest(ENGLAND)))
            ladder = ladder_snapshot(ENGLAND, 1)
            stage = next(one for one in ladder.stages if one.key == stage_key)
            basis = Basis(sentence="10 unauthorised half days in 10 school weeks; threshold 10")
            wanted = NewProposal(ProposalId(uuid4()), ProposalKind.STEP, stage, Approval.LEADER, basis, "")
            await open_proposal(session, family.case(), wanted)
            return (await session.scalars(select(Proposal).where(Proposal.id == wanted.id))).one()

    row = world.run(proposed())
    assert row.reason is not None
    if stage_key == "letter-1":
        assert row.step["law"] is None
        assert row.reason == "10 unauthorised half days in 10 school weeks; threshold 10"
        return
    law = row.step["law"]
    assert (law["rule_set"], law["cite"]) == (ENGLAND.title, "Working together: notice to improve")
    assert (law["authority"], law["checked_on"]) == ("statutory_guidance", "2026-11-21")
    assert row.reason.startswith("10 unauthorised half days in 10 school weeks; threshold 10; Working together")
    assert row.reason.endswith("do not replace the text or counsel; checked 2026-11-21)")
