"""Events of other systems: each taken in once by source and id, validated, answered for itself."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from models.imports import ImportRun
from models.inbound import InboundEvent as InboundRow
from models.queries import inbound as queries
from models.queries.keyset import Window
from rules.bounds import storable
from rules.errors import DomainError, Invalid
from rules.events.inbound import INBOUND_BY_TYPE, Envelope, InboundEvent, Told, student_named
from services import audit, inbound_records, inbound_register, outbox
from services.audit import Act
from services.context import Actor
from services.inbound_register import News

Via = Literal["api", "kafka"]
MOST: Final = 100
LONGEST_SHOWN: Final = 500
ABOUT_OTHERS: Final = frozenset({"unknown_reference", "event_refused"})  # other news may make them good
BEHAVIOUR: Final = "org.handrail.inbound.BehaviourRecorded.v1"
AHEAD: Final = timedelta(hours=24)  # a source whose clock is wrong must not shut out its own later news


class Result(StrEnum):
    """What became of an event that was sent."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one event; `code` and `fields` say what is wrong with one that was refused."""

    result: Result
    source: str | None = None
    id: str | None = None
    code: str | None = None
    problem: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    row_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An event whose envelope could be read, with its kind and data."""

    envelope: Envelope
    kind: InboundEvent
    data: Told
    digest: str

    @property
    def entity(self) -> str:
        """The thing it tells of."""
        return self.kind.entity(self.data)

    @property
    def identity(self) -> str:
        """What it is known by."""
        return f"{self.envelope.source} {self.envelope.id}"


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that is not as documented; one with an envelope is remembered, so that somebody can look for it."""

    verdict: Verdict
    envelope: Envelope | None = None

    @property
    def identity(self) -> str:
        """What it is known by, if by anything."""
        return f"{self.envelope.source} {self.envelope.id}" if self.envelope else ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """By which way events came, and when."""

    via: Via
    now: datetime


async def receive(session: AsyncSession, actor: Actor, sent: Sequence[Any], arrival: Arrival) -> list[Verdict]:
    """Take events in, in their order, in the caller's transaction; one that is refused leaves the others alone.

    One that names a thing which comes later in the same batch is tried again behind it.
    """
    if len(sent) > MOST:
        raise Invalid("too_many_events", f"At most {MOST} events at once.", fields={"body": f"has {len(sent)}"})
    read = [read_event(one) for one in sent]
    things = [one.entity for one in read if isinstance(one, Read)]
    await queries.lock(session, actor.tenant_id, [*things, *(one.identity for one in read)])
    verdicts = [await _one(session, actor, one, arrival) for one in read]
    if any(verdict.result is Result.APPLIED for verdict in verdicts):
        for n, verdict in enumerate(verdicts):
            if verdict.code in ABOUT_OTHERS:
                verdicts[n] = await _one(session, actor, read[n], arrival)
    await _finish(session, actor, read, verdicts, arrival)
    return verdicts


async def _one(session: AsyncSession, actor: Actor, event: Read | Unread, arrival: Arrival) -> Verdict:
    return await (
        _take(session, actor, event, arrival) if isinstance(event, Read) else _set_aside(session, event, arrival)
    )


def read_event(sent: Any) -> Read | Unread:
    """The event, or what is wrong with it."""
    try:
        envelope = Envelope.model_validate(sent)
    except ValidationError as wrong:
        return Unread(_unreadable(sent, "event_invalid", wrong, ""))
    kind = INBOUND_BY_TYPE.get(envelope.type)
    if kind is None:
        problem = "no such type; docs/events lists those that are taken in"
        named = (envelope.source, envelope.id)
        return Unread(Verdict(Result.REFUSED, *named, "event_type_unknown", problem, {"type": problem}), envelope)
    try:
        data = kind.payload.model_validate_json(json.dumps(envelope.data))
    except ValidationError as wrong:
        return Unread(_unreadable(sent, "event_data_invalid", wrong, "data."), envelope)
    return Read(envelope, kind, data, _digest(envelope))


def _unreadable(sent: Any, code: str, wrong: ValidationError, at: str) -> Verdict:
    """The places and what is wrong there, never the values: they may hold a name."""
    fields = {shown(at + ".".join(map(str, one["loc"]))): one["msg"] for one in wrong.errors(include_url=False)}
    named = sent if isinstance(sent, Mapping) else {}
    source, event_id = (
        shown(value) if isinstance(value, str) else None for value in (named.get("source"), named.get("id"))
    )
    return Verdict(Result.REFUSED, source, event_id, code, "The event is not as documented.", fields)


def shown(text: str) -> str:
    """What a sender called something, as an answer can say it: shortened, and without what no text can hold."""
    return "".join(one if storable(one) else "\ufffd" for one in text[:LONGEST_SHOWN])


def _digest(envelope: Envelope) -> str:
    said = json.dumps([envelope.type, envelope.data], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


async def _set_aside(session: AsyncSession, event: Unread, arrival: Arrival) -> Verdict:
    """Remember one that cannot be read, unless its name already stands for one that was taken in."""
    envelope = event.envelope
    if envelope is not None:
        before = await queries.seen(session, envelope.source, envelope.id)
        if before is None or before.status == "REFUSED":
            row = before or InboundRow(source=envelope.source, event_id=envelope.id, tries=0)
            row.type, row.entity, row.time, row.digest = envelope.type, None, envelope.time, _digest(envelope)
            row.status, row.code, row.problem = "REFUSED", event.verdict.code, event.verdict.problem
            await _kept(session, row, arrival)
    return event.verdict


async def _kept(session: AsyncSession, row: InboundRow, arrival: Arrival) -> None:
    row.via, row.received_at = arrival.via, arrival.now
    row.tries += 1
    session.add(row)
    await session.flush()


async def _take(session: AsyncSession, actor: Actor, event: Read, arrival: Arrival) -> Verdict:
    source, event_id = event.envelope.source, event.envelope.id
    before = await queries.seen(session, source, event_id)
    if before is not None and before.status != "REFUSED":
        if before.digest == event.digest:
            return Verdict(Result.DUPLICATE, source, event_id)
        problem = "another event of this source had this id: give every event an id of its own"
        return Verdict(Result.REFUSED, source, event_id, "event_differs", problem, {"id": problem})
    try:
        result = await _applied(session, actor, event, arrival)
    except DomainError as refusal:
        await _remember(session, before, event, arrival, refusal)
        return Verdict(Result.REFUSED, source, event_id, refusal.code, refusal.message, refusal.fields)
    row = await _remember(session, before, event, arrival, result)
    return Verdict(result, source, event_id, row_id=row.id)


async def _applied(session: AsyncSession, actor: Actor, event: Read, arrival: Arrival) -> Result:
    """Everything or nothing of one event: what it wrote before it was refused is rolled back."""
    if event.envelope.time > arrival.now + AHEAD:
        raise Invalid("event_from_the_future", "The event's time lies ahead.", fields={"time": "has not come yet"})
    if event.kind.ordered:
        newest = await queries.newest(session, event.kind.type, event.entity)
        if newest is not None and newest > event.envelope.time:
            return Result.SUPERSEDED
    async with session.begin_nested():
        if type(event.data) in inbound_records.KEEPERS:
            await inbound_records.keep(session, event.data)
        else:
            await inbound_register.take(session, actor, News(event.data, arrival.now, arrival.now.date()))
    return Result.APPLIED


async def _remember(
    session: AsyncSession, before: InboundRow | None, event: Read, arrival: Arrival, came: Result | DomainError
) -> InboundRow:
    refusal = came if isinstance(came, DomainError) else None
    row = before or InboundRow(source=event.envelope.source, event_id=event.envelope.id, tries=0)
    row.type, row.entity, row.time = event.kind.type, event.entity, event.envelope.time
    row.digest = event.digest
    row.status = "REFUSED" if refusal else str(came).upper()
    row.code, row.problem = (refusal.code, refusal.message) if refusal else (None, None)
    await _kept(session, row, arrival)
    return row


async def _finish(
    session: AsyncSession, actor: Actor, read: Sequence[Read | Unread], verdicts: Sequence[Verdict], arrival: Arrival
) -> None:
    """One audit entry, and one look of the nightly pass if the register has changed."""
    applied = [
        (one, verdict.row_id)
        for one, verdict in zip(read, verdicts, strict=True)
        if isinstance(one, Read) and verdict.result is Result.APPLIED
    ]
    if not applied:
        return
    # our own ids: those of the source may name a student, and no erasure reaches into the tenant's own details
    told = {"events": [row_id for _, row_id in applied]}
    await audit.record(session, actor, Act("receive_events", "inbound_event", after=told), now=arrival.now)
    if any(type(one.data) in inbound_register.TABLES for one, _ in applied):
        run = ImportRun(
            kind="events", source_name="events", status="FINISHED", rows_done=len(applied), finished_at=arrival.now
        )
        session.add(run)
        await session.flush()
        await outbox.enqueue(session, "import.finished", f"import/{run.id}", {"import_id": str(run.id)})


async def listed(
    session: AsyncSession, status: str | None, event_type: str | None, window: Window
) -> Sequence[InboundRow]:
    """A page of what came in, the oldest first."""
    return await queries.listed(session, status, event_type, window)


async def students_of(session: AsyncSession, rows: Sequence[InboundRow]) -> dict[UUID, UUID]:
    """The student each of these rows is about, where it is about one whom we know."""
    named = {row.id: student_named(row.entity or "") for row in rows}
    records = {row.id: (row.entity or "").removeprefix("behaviour/") for row in rows if row.type == BEHAVIOUR}
    students = await queries.students_of(session, {name for name in named.values() if name})
    behaved = await queries.students_of_behaviour(session, set(records.values()))
    found = {row_id: students[name] for row_id, name in named.items() if name in students}
    return found | {row_id: behaved[key] for row_id, key in records.items() if key in behaved}


async def one(session: AsyncSession, source: str, event_id: str) -> InboundRow | None:
    """The event of this source and id."""
    return await queries.seen(session, source, event_id)
