"""What the rows of one tenant say against each other: cases, letters, messages and what the workflow reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

INSTANCES = """
select i.id, i.school_year, i.status, i.phase, coalesce(i.stage_key, 'none') as stage_key, i.revision,
    i.closed_at is not null as closed, i.created_at >= :before as fresh,
    exists (select from outbox o where o.kind = 'instance.start' and o.status = 'PENDING' and o.subject = i.id::text)
        as on_its_way, i.state is not null as resumable
from instance i where i.kind = 'ATTENDANCE' and
"""
OPEN = text(INSTANCES + "i.closed_at is null order by i.id")
GIVEN = text(INSTANCES + "i.id = any(:ids)")
# The last try was handed to the provider and its answer never written down: it may have arrived, or not.
IN_DOUBT = text("""
select m.id, m.instance_id from message m
join lateral (select status, attempted_at from message_attempt a where a.message_id = m.id order by number desc limit 1)
    last on true
where m.status = 'SENDING' and last.status = 'SENDING' and last.attempted_at < :before order by m.id
""")
REPORTED = """
select from event e where e.instance_id = m.instance_id and e.data ->> 'artifact_id' = m.artifact_id::text
    and e.type in ('LETTER_SENT', 'DELIVERY_RECORDED', 'STEP_RESCINDED')
"""
SENT_BUT_UNKNOWN = text(f"""
select m.id, m.instance_id from message m
where m.kind = 'LETTER' and m.instance_id is not null and m.artifact_id is not null
    and m.channel = 'EMAIL' and m.status in ('SENT', 'DELIVERED') and m.sent_at < :before and not exists ({REPORTED})
order by m.id
""")
KNOWN_BUT_NOT_SENT = text("""
select e.id, e.instance_id from event e
where e.type = 'LETTER_SENT' and e.data ->> 'artifact_id' is not null and e.occurred_at < :before and not exists (
    select from message m where m.instance_id = e.instance_id and m.artifact_id::text = e.data ->> 'artifact_id'
        and m.status in ('SENT', 'DELIVERED', 'BOUNCED', 'RETURNED', 'SUPERSEDED'))
order by e.id
""")
# ACTING, NEEDS_STAFF and ON_HOLD cases still hold their letters in their hands.
STORED_BUT_NOT_SENT = text("""
select a.id, a.instance_id from letter_artifact a
join instance i on i.id = a.instance_id and i.phase not in ('ACTING', 'NEEDS_STAFF', 'ON_HOLD', 'CLOSED')
join message m on m.artifact_id = a.id
where a.kind = 'LETTER' and a.rescinded_at is null and a.generated_at < :before
    and m.status = 'QUEUED' and coalesce(m.data ->> 'delivery', '') <> 'AWAITING_POST'
order by a.id
""")
WITHOUT_MESSAGE = text("""
select a.id, a.instance_id from letter_artifact a
where a.kind = 'LETTER' and a.stage_key is not null and a.instance_id is not null and a.generated_at < :before
    and not exists (select from message m where m.artifact_id = a.id)
order by a.id
""")


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """An instance as its row stands; `fresh` rows are still being started, `on_its_way` has a start in the outbox.

    `resumable` rows remember the walk, so that a workflow that was lost can go on from them.
    """

    id: UUID
    school_year: str
    status: str
    phase: str
    stage_key: str
    revision: int
    closed: bool
    fresh: bool
    on_its_way: bool
    resumable: bool

    @property
    def never_reported(self) -> bool:
        """The workflow has done nothing yet, so that starting it again repeats nothing."""
        return self.status == "STARTING" and self.revision == 0


@dataclass(frozen=True, slots=True)
class Odd:
    """A row of ours that another contradicts."""

    id: UUID
    instance_id: UUID | None


async def open_instances(session: AsyncSession, *, before: datetime) -> Sequence[InstanceRow]:
    """Every open instance of the tenant."""
    return [InstanceRow(**row) for row in (await session.execute(OPEN, {"before": before})).mappings()]


async def instances(session: AsyncSession, ids: Sequence[UUID], *, before: datetime) -> dict[UUID, InstanceRow]:
    """These instances, open or closed."""
    found = await session.execute(GIVEN, {"ids": list(ids), "before": before})
    return {row["id"]: InstanceRow(**row) for row in found.mappings()}


async def in_doubt(session: AsyncSession, *, before: datetime) -> Sequence[Odd]:
    """Messages whose last try has no answer."""
    return await _odd(session, IN_DOUBT, before)


async def sent_but_unknown(session: AsyncSession, *, before: datetime) -> Sequence[Odd]:
    """Letters that left and that the case never reported."""
    return await _odd(session, SENT_BUT_UNKNOWN, before)


async def known_but_not_sent(session: AsyncSession, *, before: datetime) -> Sequence[Odd]:
    """Letters that the case reported and no message bears out."""
    return await _odd(session, KNOWN_BUT_NOT_SENT, before)


async def stored_but_not_sent(session: AsyncSession, *, before: datetime) -> Sequence[Odd]:
    """Letters of a step that lie in the store while their case has gone on."""
    return [*await _odd(session, STORED_BUT_NOT_SENT, before), *await _odd(session, WITHOUT_MESSAGE, before)]


async def _odd(session: AsyncSession, statement: object, before: datetime) -> Sequence[Odd]:
    found = await session.execute(statement, {"before": before})  # type: ignore[call-overload]  # a text clause
    return [Odd(row.id, row.instance_id) for row in found]
