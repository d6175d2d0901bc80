"""Breakers: tripped, shown, released by a person with a reason, or cleared by a correction (safeguards.md 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Date, and_, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Breaker
from models.instances import Instance, Proposal, Task
from models.people import School
from models.queries import batches
from models.queries.batches import Where
from models.queries.keyset import Window, paged
from rules.breakers.batches import BatchCause
from rules.breakers.days import DayCause
from rules.errors import Conflict, NotFound
from rules.events.catalogue import BREAKER_CLOSED, BREAKER_OPENED
from rules.events.payloads import BreakerClosedData, BreakerOpenedData
from rules.ids import SchoolId
from rules.ladder.words import ProposalKind
from services import audit, outbox
from services.audit import Act
from services.context import Actor
from services.events import emit
from services.signals import tell_of_sending

TASK: Final = "look_at_breaker"
LEADER: Final = "school_leader"
ADMINISTRATOR: Final = "district_admin"


class BreakerKind(StrEnum):
    """What is held: a school-day, the batch of a stage, or what would leave beyond an hour's cap."""

    SUSPECT_DAY = "SUSPECT_DAY"
    BATCH = "BATCH"
    CAP = "CAP"


_TITLES: Final = {
    BreakerKind.SUSPECT_DAY: "A school-day looks wrong: have its register corrected, or release it",
    BreakerKind.BATCH: "More proposals than usual are held: look at a few, then release them",
    BreakerKind.CAP: "More messages than usual wait: release them if they are meant to leave today",
}
_ASKS: Final = and_(
    Proposal.kind.in_((ProposalKind.STEP, ProposalKind.RELAPSE)),
    Breaker.status == "OPEN",
    Breaker.school_id == Instance.lead_school_id,
)
_BATCH: Final = and_(
    Breaker.kind == BreakerKind.BATCH,
    Proposal.kind == ProposalKind.STEP,
    Breaker.stage_key == Proposal.stage_key,
    Breaker.date == cast(func.timezone(School.timezone, Proposal.proposed_at), Date),
)
# what was proposed on the evidence of a day that came under suspicion afterwards
_DAY: Final = and_(
    Breaker.kind == BreakerKind.SUSPECT_DAY, Breaker.date <= cast(Proposal.basis["on"].as_string(), Date)
)
# the breaker that holds a proposal; for statements that read Proposal, Instance and School
HOLDING: Final = (
    select(Breaker.id)
    .where(_ASKS, or_(_BATCH, _DAY))
    .order_by(Breaker.id)
    .limit(1)
    .correlate(Proposal, Instance, School)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Tripped:
    """A breaker as it trips: what it holds, the figures behind it, and what it looks like in one word."""

    kind: BreakerKind
    school_id: UUID | None
    on: date
    stage_key: str | None = None
    cause: DayCause | BatchCause | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BreakerQuery:
    """Which breakers: of these schools (None: of all, and those of the whole tenant), in this state."""

    school_ids: frozenset[SchoolId] | None
    status: str | None = "OPEN"


@dataclass(frozen=True, slots=True)
class ReleaseBreaker:
    """A person has looked and lets it flow."""

    breaker_id: UUID
    reason: str


async def listed(session: AsyncSession, asked: BreakerQuery, window: Window) -> Sequence[Breaker]:
    """A page of breakers, the oldest first."""
    wanted = select(Breaker)
    if asked.school_ids is not None:
        wanted = wanted.where(or_(Breaker.school_id.is_(None), Breaker.school_id.in_(asked.school_ids)))
    if asked.status is not None:
        wanted = wanted.where(Breaker.status == asked.status)
    return (await session.scalars(paged(wanted, (Breaker.id,), window))).all()


async def get(session: AsyncSession, breaker_id: UUID) -> Breaker:
    """One breaker, locked for this transaction."""
    found = await session.get(Breaker, breaker_id, with_for_update=True)
    if found is None:
        raise NotFound("breaker_not_found", f"There is no breaker {breaker_id} here.")
    return found


async def holding(session: AsyncSession, proposal_id: UUID) -> UUID | None:
    """The breaker that holds a proposal, if one does."""
    wanted = (
        select(HOLDING)
        .select_from(Proposal)
        .join(Instance, Instance.id == Proposal.instance_id)
        .join(School, School.id == Instance.lead_school_id)
        .where(Proposal.id == proposal_id)
    )
    found: UUID | None = await session.scalar(wanted)
    return found


def refusal(breaker_id: UUID) -> Conflict:
    """What an approval of a held step is answered with."""
    return Conflict(
        "breaker_open",
        f"Breaker {breaker_id} holds this step: a leader looks at it (GET /breakers) and releases it with a reason.",
        breaker_id=str(breaker_id),
    )


async def trip(session: AsyncSession, actor: Actor, what: Tripped, *, now: datetime) -> Breaker:
    """Open a breaker, or the same one again after it was closed, with a task for a leader."""
    facts = {**what.facts, "cause": what.cause}
    statement = (
        insert(Breaker)
        .values(kind=what.kind, school_id=what.school_id, date=what.on, stage_key=what.stage_key, facts=facts)
        .on_conflict_do_update(
            index_elements=["tenant_id", "kind", "school_id", "date", "stage_key"],
            set_={
                "status": "OPEN",
                "facts": facts,
                "released_by": None,
                "released_at": None,
                "release_reason": None,
            },
        )
        .returning(Breaker)
    )
    row = (await session.scalars(statement, execution_options={"populate_existing": True})).one()
    await _ask_a_leader(session, row, what, now)
    after = {"kind": row.kind, "date": row.date, "stage_key": row.stage_key, "cause": what.cause}
    await audit.record(session, actor, Act("trip_breaker", "breaker", row.id, after=after), now=now)
    said = BreakerOpenedData(**_told(row), cause=what.cause, occurred_at=now)
    await emit(session, BREAKER_OPENED, row.id, said, at=now)
    return row


async def _ask_a_leader(session: AsyncSession, row: Breaker, what: Tripped, now: datetime) -> None:
    task = insert(Task).values(
        kind=TASK,
        title=_TITLES[what.kind],
        details={"subject": str(row.id), "breaker_id": str(row.id)},
        school_id=row.school_id,
        role=LEADER if row.school_id else ADMINISTRATOR,
        due_on=now.date(),
        dedupe_key=f"breaker/{row.id}/{now.isoformat()}",
    )
    await session.execute(task.on_conflict_do_nothing())


async def release(session: AsyncSession, actor: Actor, command: ReleaseBreaker, *, now: datetime) -> Breaker:
    """Let what was held flow: proposals may be approved, the school is evaluated, waiting messages leave."""
    row = await get(session, command.breaker_id)
    if row.status != "OPEN":
        raise Conflict("breaker_not_open", f"Breaker {row.id} is {row.status.lower()} already.", state=row.status)
    row.released_by, row.released_at, row.release_reason = actor.person_id, now, command.reason
    row.facts = {**row.facts, "released_at_count": await _batch_size(session, row)}
    await _close(session, actor, row, "RELEASED", Act("release_breaker", "breaker", row.id, reason=command.reason), now)
    return row


async def _batch_size(session: AsyncSession, row: Breaker) -> int:
    """How many were released: a batch that grows by as many again as usual is looked at again."""
    if row.kind != BreakerKind.BATCH or row.school_id is None or row.stage_key is None or row.date is None:
        return 0
    return len(await batches.members(session, Where(row.school_id, row.stage_key, row.date)))


async def clear(session: AsyncSession, actor: Actor, breaker_id: UUID, *, now: datetime) -> None:
    """A correction has made the day an ordinary one: nobody needs to release it any more."""
    row = await get(session, breaker_id)
    await _close(session, actor, row, "CLEARED", Act("clear_breaker", "breaker", row.id), now)


async def _close(session: AsyncSession, actor: Actor, row: Breaker, status: str, act: Act, now: datetime) -> None:
    row.status = status
    await session.flush()
    mine = update(Task).where(Task.kind == TASK, Task.details["subject"].as_string() == str(row.id))
    done = {"status": "DONE" if status == "RELEASED" else "CANCELLED", "done_by": actor.person_id, "done_at": now}
    await session.execute(mine.where(Task.status == "OPEN").values(**done))
    await audit.record(session, actor, act, now=now)
    said = BreakerClosedData(**_told(row), status=status, occurred_at=now)
    await emit(session, BREAKER_CLOSED, row.id, said, at=now)
    if row.kind == BreakerKind.SUSPECT_DAY:
        again = {"breaker_id": str(row.id)}
        await outbox.enqueue(session, "breaker.closed", f"breaker/{row.id}/{int(now.timestamp())}", again)
    await tell_of_sending(session, on=True, school_id=row.school_id)


def _told(row: Breaker) -> dict[str, Any]:
    return {
        "breaker_id": row.id,
        "kind": row.kind,
        "school_id": row.school_id,
        "date": row.date,
        "stage_key": row.stage_key,
    }
