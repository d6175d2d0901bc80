"""More proposals of a stage in one day than usual are held for a leader, with what they have in common named."""

import asyncio
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from models.attendance import RegisterArrival
from models.delivery import Breaker
from models.instances import Proposal
from models.rulesets import NightlyRun
from models.tenants import Tenant
from rules.breakers.batches import BatchCause
from rules.ids import ProposalId
from rules.ladder.stages import Approval
from rules.ladder.words import ProposalKind
from services import batches, breaker_words, breakers, decisions, proposals
from services.breakers import ReleaseBreaker
from services.context import Actor
from services.proposals import NewProposal, Opened
from tests.services.seeding import BASIS, DIGEST, LETTER_1, NOW, TODAY, Family, World

pytestmark = pytest.mark.servers


def town(world: World, many: int, limit: int = 2) -> list[Family]:
    """Families of one school, whose tenant holds more than `limit` proposals of a stage in a day."""
    first = world.family()
    rest = [world.family(tenant_id=first.tenant_id) for _ in range(many - 1)]
    world.change(first, update(Tenant).values(settings={"breakers": {"proposals": limit}}))
    return [first, *rest]


def proposed(world: World, family: Family, at: datetime = NOW, approver: Approval = Approval.STAFF) -> Opened:
    async def open_it() -> Opened:
        case = family.case(f"w/propose/{at}", at)
        wanted = NewProposal(ProposalId(uuid4()), ProposalKind.STEP, LETTER_1, approver, BASIS, "")
        async with world.sessions.tenant(family.tenant_id) as session:
            return await proposals.open_proposal(session, case, wanted)

    return world.run(open_it())


def held(world: World, family: Family) -> list[bool]:
    """Of the family's proposals, the oldest first: whether a breaker holds them."""

    async def look() -> list[bool]:
        mine = select(Proposal.id).where(Proposal.instance_id == family.instance_id).order_by(Proposal.proposed_at)
        async with world.sessions.tenant(family.tenant_id) as session:
            return [await breakers.holding(session, one) is not None for one in await session.scalars(mine)]

    return world.run(look())


def sending(world: World, family: Family) -> bool:
    async def look() -> bool:
        async with world.sessions.tenant(family.tenant_id) as session:
            return (await decisions.preflight(session, family.case(), DIGEST, LETTER_1, BASIS, None)).sending

    return world.run(look())


def the_breaker(world: World, family: Family) -> Breaker:
    (row,) = world.rows(family, Breaker)
    return row


def leader(family: Family) -> Actor:
    return Actor(family.tenant_id, None, "school_leader", "A leader", "r-1", "api")


def release(world: World, family: Family) -> None:
    async def let_go() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            command = ReleaseBreaker(the_id, "Looked at five: all as they should be.")
            await breakers.release(session, leader(family), command, now=NOW)

    the_id = the_breaker(world, family).id
    world.run(let_go())


def told(world: World, family: Family) -> tuple[str | None, str]:
    async def say() -> tuple[str | None, str]:
        async with world.sessions.tenant(family.tenant_id) as session:
            found = await breaker_words.told(session, (await session.scalars(select(Breaker))).one(), codes=False)
            return found.cause, found.sentence

    return world.run(say())


def test_the_third_of_two_holds_all_three_until_a_leader_lets_them_go(world: World) -> None:
    families = town(world, 4)
    for family in families[:2]:
        proposed(world, family)
    assert [held(world, one) for one in families[:2]] == [[False], [False]]
    proposed(world, families[2])
    assert [held(world, one) for one in families[:3]] == [[True]] * 3
    row = the_breaker(world, families[0])
    assert (row.kind, row.stage_key, row.date, row.status) == ("BATCH", "letter-1", TODAY, "OPEN")
    assert [sending(world, one) for one in families[:3]] == [False] * 3, "nor does one leave that was approved before"
    release(world, families[0])
    assert [held(world, one) for one in families[:3]] == [[False]] * 3
    assert sending(world, families[0]) is True
    proposed(world, families[3])
    assert held(world, families[3]) == [False], "a late comer belongs to the batch that was released"


def test_a_released_batch_that_grows_by_as_many_again_is_looked_at_again(world: World) -> None:
    families = town(world, 4, limit=1)
    for family in families[:2]:
        proposed(world, family)
    release(world, families[0])
    proposed(world, families[2])
    assert held(world, families[2]) == [False]
    proposed(world, families[3])
    assert the_breaker(world, families[0]).status == "OPEN"
    assert held(world, families[0]) == [True]


def test_the_batch_of_another_day_is_not_held_with_it_and_days_of_before_raise_the_limit(world: World) -> None:
    families = town(world, 3, limit=1)
    before = [NOW - timedelta(days=n) for n in (1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15)]
    for at in reversed(before):
        proposed(world, families[0], at)
        row = world.rows(families[0], Proposal, Proposal.status == "PENDING")[-1]
        world.change(families[0], update(Proposal).where(Proposal.id == row.id).values(status="DONE"))
    for family in families:
        proposed(world, family)
    assert world.rows(families[0], Breaker) == [], "one a day on most days: three times the median is three"
    assert held(world, families[0])[-1] is False


def test_a_machine_does_not_decide_on_what_is_held(world: World) -> None:
    families = town(world, 2, limit=1)
    assert proposed(world, families[0], approver=Approval.AUTO).automatic is True
    assert proposed(world, families[1], approver=Approval.AUTO).automatic is False
    release(world, families[0])


def test_the_same_proposal_opened_again_counts_once(world: World) -> None:
    families = town(world, 2, limit=2)
    for at in (NOW, NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)):
        proposed(world, families[0], at)
    proposed(world, families[1])
    assert world.rows(families[0], Breaker) == []


def test_two_that_propose_together_are_counted_one_after_the_other(world: World) -> None:
    """Each would see too few if both counted before either was there."""
    families = town(world, 2, limit=1)

    async def both() -> None:
        async with world.sessions.tenant(families[0].tenant_id) as first:
            await batches.look(first, families[0].case(), "letter-1")
            waiting = asyncio.ensure_future(second())
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await first.execute(insert(Proposal).values(**a_row(families[0])))
        assert await waiting is True

    async def second() -> bool:
        async with world.sessions.tenant(families[1].tenant_id) as session:
            return await batches.look(session, families[1].case(), "letter-1")

    world.run(both())


def a_row(family: Family) -> dict[str, object]:
    said = {"stage_index": 0, "stage_key": "letter-1", "stage_type": "LETTER_1", "approval": "STAFF"}
    return {"instance_id": family.instance_id, "proposed_at": NOW, **said}


def test_what_they_have_in_common_is_named(world: World) -> None:
    families = town(world, 2, limit=1)
    one = families[0]
    run = {"school_id": one.school_id, "digest": DIGEST, "known_at": NOW}
    world.change(one, insert(NightlyRun).values(date=TODAY, **run))
    for family in families:
        proposed(world, family)
    cause, sentence = told(world, one)
    assert cause is BatchCause.FIRST_EVALUATION
    assert sentence.startswith("2 proposals in one day; more than 1 are held. This is the school's first evaluation")
    world.change(one, insert(NightlyRun).values(date=TODAY - timedelta(days=3), **{**run, "digest": "another"}))
    assert told(world, one)[0] is BatchCause.NEW_VERSION
    world.change(one, insert(NightlyRun).values(date=TODAY - timedelta(days=2), **run))
    counted = {"students": 2, "scheduled": 4, "marked": 4, "possible": 4, "counts": {}, "updated_at": NOW}
    days = [TODAY - timedelta(days=n) for n in (4, 7, 8, 9)]
    rows = [{"school_id": one.school_id, "date": day, "absent": 4 * (n == 0), **counted} for n, day in enumerate(days)]
    world.change(one, insert(RegisterArrival).values(rows))
    cause, sentence = told(world, one)
    assert cause is BatchCause.ONE_DAY
    assert "2 of 2 were absent on 2026-11-16, when 100.0 % of the school was, usual is 0.0 %." in sentence


def test_the_limit_and_size_are_those_of_the_batch(world: World) -> None:
    families = town(world, 2, limit=1)
    for family in families:
        proposed(world, family)

    async def look() -> tuple[int, Fraction]:
        async with world.sessions.tenant(families[0].tenant_id) as session:
            found = await batches.held(session, (await session.scalars(select(Breaker))).one())
            return found.count, found.limit

    assert world.run(look()) == (2, Fraction(1))
