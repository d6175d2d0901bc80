"""Domain events against a real PostgreSQL: written with what made them true, read in order, nobody else's business."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from jsonschema import Draft202012Validator

from models.instances import CaseFile, Event
from models.queries import outbox
from models.reliability import Outbox
from rules.errors import Invalid
from rules.events.catalogue import BY_TYPE
from rules.events.publishing import schema
from rules.ladder.commands import Command
from rules.ladder.events import EventType, LadderEvent
from services import escalations, events, projections
from services.escalations import Raise
from services.events import FeedPage, FeedQuery
from services.projections import CaseView
from tests.servers.kinds import Database, Store
from tests.services.seeding import DIGEST, NOW, Family, World, grace

pytestmark = pytest.mark.servers
STAGE = "org.handrail.StageEntered.v1"


@pytest.fixture
def world(database: Database, s3: Store) -> Iterator[World]:
    world = World(database, s3)
    yield world
    world.close()


def view(revision: int) -> CaseView:
    return CaseView(
        revision=revision,
        status="ACTIVE",
        phase="WAITING",
        stage_key="letter-1",
        stage_index=0,
        rule_set_version=1,
        digest=DIGEST,
        proposal=None,
        hold=None,
        stop_reason=None,
        due=None,
        due_at=None,
        effective_day=date(2026, 11, 20),
        follow_up_week=None,
        shown={},
    )


async def happen(world: World, family: Family, key: str, *facts: LadderEvent, break_off: bool = False) -> None:
    async with world.sessions.tenant(family.tenant_id) as session:
        await projections.project(session, family.case(key), view(int(key[2:])), facts)
        if break_off:
            raise ConnectionAbortedError


def entered(because: str = "10 days") -> LadderEvent:
    return LadderEvent(type=EventType.STAGE_ENTERED, at=NOW, stage_key="letter-1", facts={"because": because})


def sent(guardian_id: UUID) -> LadderEvent:
    facts: dict[str, Any] = {"guardian_id": str(guardian_id), "state": "SENT"}
    return LadderEvent(type=EventType.LETTER_SENT, at=NOW, stage_key="letter-1", facts=facts)


async def read(world: World, family: Family, after: int = 0, *types: str, limit: int = 50) -> FeedPage:
    async with world.sessions.tenant(family.tenant_id) as session:
        await outbox.number_rows(session, family.tenant_id)
    async with world.sessions.tenant(family.tenant_id) as session:
        return await events.feed(session, FeedQuery(after, types, limit))


def test_what_a_case_does_is_told_in_order_with_the_published_shape(world: World) -> None:
    family = world.family(grace())
    world.run(happen(world, family, "w/1", entered(), sent(family.guardians["grace"])))
    world.run(happen(world, family, "w/2", LadderEvent(type=EventType.STOPPED, at=NOW, facts={"reason": "DECEASED"})))
    page = world.run(read(world, family))
    assert [row.type for row in page.events] == [STAGE, "org.handrail.LetterSent.v1", "org.handrail.Stopped.v1"]
    assert [row.position for row in page.events] == [1, 2, 3]
    assert (page.position, page.more) == (3, False)
    for row in page.events:
        Draft202012Validator(schema(BY_TYPE[row.type])).validate(row.data)
        assert row.subject == f"instances/{family.instance_id}"
        assert row.data["student_id"] == str(family.student_id)
    assert page.events[0].data["stage_key"] == "letter-1"


def test_an_event_carries_no_name_no_sentence_and_no_reason_of_a_person(world: World) -> None:
    family = world.family(grace())
    by = Command(command_id=uuid4().hex, actor_id=family.officer_id, role="school_leader", reason="Mum has cancer")
    held = LadderEvent(type=EventType.HELD, at=NOW, by=by, facts={"until": "2026-12-01"})
    world.run(happen(world, family, "w/1", entered("Sam Surname: 3 days of code I"), held))
    told = str([event.data for event in world.run(read(world, family)).events])
    kept = str([(row.reason, row.data) for row in world.rows(family, Event)])
    for canary in ("Surname", "Canaryone", "cancer", "code I"):
        assert canary not in told
    assert "cancer" in kept, "the control: the timeline inside does know"
    assert "Surname" in kept
    assert "2026-12-01" in told


def test_what_was_rolled_back_was_never_told(world: World) -> None:
    family = world.family(grace())
    with pytest.raises(ConnectionAbortedError):
        world.run(happen(world, family, "w/1", entered(), break_off=True))
    assert world.run(read(world, family)).events == []
    world.run(happen(world, family, "w/1", entered()))
    world.run(happen(world, family, "w/1", entered()))  # the activity ran twice
    assert len(world.run(read(world, family)).events) == 1


def test_the_feed_is_resumed_where_it_was_left_and_filters_by_type(world: World) -> None:
    family = world.family(grace())
    for n in range(1, 4):
        world.run(happen(world, family, f"w/{n}", entered(), sent(family.guardians["grace"])))
    first = world.run(read(world, family, 0, STAGE, limit=2))
    assert (len(first.events), first.more) == (2, True)
    second = world.run(read(world, family, first.position, STAGE))
    assert (len(second.events), second.more) == (1, False)
    assert second.position == 6, "what the filter left out need not be looked at again"
    world.run(happen(world, family, "w/4", entered()))
    assert [row.position for row in world.run(read(world, family, second.position, STAGE)).events] == [7]
    with pytest.raises(Invalid, match="catalogue"):
        world.run(read(world, family, 0, "org.handrail.Nonsense.v1"))


def test_a_raised_tier_is_told_once_and_only_when_it_was_raised(world: World) -> None:
    family = world.family(grace())

    async def escalate(key: str) -> None:
        await escalations.open_escalation(world.means, family.case(key), Raise("escalate", 3, ""))

    for key in ("w/1", "w/1", "w/2"):
        world.run(escalate(key))
    told = [row for row in world.run(read(world, family)).events if row.type == "org.handrail.TierEscalated.v1"]
    assert [(row.data["from_tier"], row.data["to_tier"]) for row in told] == [(1, 3)]
    (case,) = world.rows(family, CaseFile)
    assert (case.tier, told[0].subject) == (3, f"cases/{case.id}")
    Draft202012Validator(schema(BY_TYPE[told[0].type])).validate(told[0].data)


def test_another_tenant_never_sees_an_event(world: World) -> None:
    ours, theirs = world.family(grace()), world.family(grace())
    world.run(happen(world, ours, "w/1", entered()))
    assert len(world.run(read(world, ours)).events) == 1
    assert world.run(read(world, theirs)).events == []
    # the control: read as the tenant it belongs to, the same query finds it
    stolen = replace(theirs, tenant_id=ours.tenant_id)
    assert len(world.run(read(world, stolen)).events) == 1


def test_an_event_does_not_wait_for_temporal(world: World) -> None:
    family = world.family(grace())
    world.run(happen(world, family, "w/1", entered()))
    world.run(read(world, family))

    async def lag() -> tuple[int, object]:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await outbox.lag(session)

    assert world.run(lag()) == (0, None)
    assert {row.status for row in world.rows(family, Outbox)} == {"DELIVERED"}
