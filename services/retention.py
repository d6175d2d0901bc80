"""Retention: what has been kept long enough is listed, signed, approved by a second person, and only then destroyed."""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.erasures import Erasure
from models.people import School
from models.queries import retention as queries
from models.queries.keyset import Window, paged
from models.queries.retention import Due
from models.retention import RetentionRun
from models.tenants import Tenant
from rules.errors import Conflict, Forbidden, Invalid, NotFound
from rules.privacy.retention import (
    EndOf,
    Keeping,
    Least,
    RecordClass,
    ends_before,
    in_force,
    keepings,
    least_for,
    months_for,
    verified_on,
)
from services import audit, erasures, jurisdictions, tenant_settings
from services.audit import Act
from services.audit_keys import carried_by
from services.context import Actor
from services.student_keys import AUDIT, data_key

SIGNED_AS: Final = b"retention list"
BY_SCHOOL: Final = frozenset({RecordClass.REGISTER, RecordClass.STUDENT_RECORD, RecordClass.BEHAVIOUR})


@dataclass(frozen=True, slots=True)
class Approve:
    """A second person has seen the list of this SHA-256 and says why it may be carried out."""

    run_id: UUID
    sha256: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Schools of one jurisdiction; without schools: the tenant as a whole."""

    jurisdiction: str | None
    schools: tuple[UUID, ...] | None


@dataclass(frozen=True, slots=True)
class Period:
    """One class at one place: kept for so many months (None: for ever), what the law asks, and who has read it when."""

    keeping: Keeping
    place: Place
    months: int | None
    least: Least | None
    verified_on: date | None
    verified: bool


async def propose(session: AsyncSession, actor: Actor, *, now: datetime) -> RetentionRun:
    """List what is due today and sign the list; nothing is destroyed. Classes nobody gave a time are not on it."""
    if actor.person_id is None:
        raise Forbidden("person_needed", "A list of what shall be destroyed is made by a person.")
    today = now.date()
    lines = await _lines(session, actor.tenant_id, today, now)
    run = RetentionRun(id=uuid4(), today=today, known_at=now, lines=lines, listed_by=actor.person_id, status="LISTED")
    run.sha256 = sha256(_content(actor.tenant_id, run)).hexdigest()
    run.signature = await _signature(session, actor.tenant_id, run)
    session.add(run)
    await session.flush()
    after = {"sha256": run.sha256, "rows": sum(line["count"] for line in lines)}
    await audit.record(session, actor, Act("list_retention", "retention_run", run.id, after=after), now=now)
    return run


async def _lines(session: AsyncSession, tenant_id: UUID, today: date, now: datetime) -> list[dict[str, Any]]:
    return [
        await _line(session, period, today, now)
        for period in await periods(session, tenant_id)
        if period.months is not None
    ]


async def periods(session: AsyncSession, tenant_id: UUID) -> list[Period]:
    """For how long each class is kept at which schools, by whose word, and whether anything ends by it."""
    chosen = await tenant_settings.retention(session, tenant_id)
    by_school, whole = await _places(session, tenant_id)
    found = []
    for keeping in keepings():
        for place in by_school if keeping.key in BY_SCHOOL else [whole]:
            least, told = least_for(keeping, place.jurisdiction), chosen.verified.get(keeping.key, {})
            months = months_for(keeping, place.jurisdiction, chosen.months)
            checked = verified_on(least, told) if least else None
            verified = in_force(keeping, place.jurisdiction, told)
            found.append(Period(keeping, place, months, least, checked, verified=verified))
    return found


async def _places(session: AsyncSession, tenant_id: UUID) -> tuple[list[Place], Place]:
    """The schools by jurisdiction, and the tenant as a whole, for what knows of no school."""
    schools = (await session.scalars(select(School).order_by(School.id))).all()
    found: dict[str | None, list[UUID]] = {}
    for school in schools:
        found.setdefault(await jurisdictions.of_school(session, school.id), []).append(school.id)
    tenant = await session.get_one(Tenant, tenant_id)
    own = tenant.settings.get("jurisdiction") or tenant.country
    places = [Place(one, tuple(ids)) for one, ids in sorted(found.items(), key=lambda item: item[0] or "")]
    return places, Place(own, None)


async def _line(session: AsyncSession, period: Period, today: date, now: datetime) -> dict[str, Any]:
    keeping, place, least = period.keeping, period.place, period.least
    assert period.months is not None, "what is kept for ever is on no list"
    before = ends_before(today, period.months)
    line: dict[str, Any] = {
        "class": keeping.key.value,
        "action": keeping.action.value,
        "since": keeping.since,
        "jurisdiction": place.jurisdiction,
        "schools": None if place.schools is None else [str(one) for one in place.schools],
        "months": period.months,
        "law_asks_months": least.months if least else None,
        "cite": least.cite if least else None,
        "law_checked_on": period.verified_on.isoformat() if period.verified_on else None,
        "verified": period.verified,
        "before": before.isoformat(),
    }
    if keeping.action is EndOf.ERASE:
        students = await queries.left(session, before, place.schools or ())
        return {**line, "students": [str(one) for one in students], "count": len(students)}
    return {**line, "count": await queries.rows(session, Due(keeping.key.value, before, place.schools, now))}


async def get(session: AsyncSession, run_id: UUID, *, lock: bool = False) -> RetentionRun:
    """One list, or NotFound."""
    wanted = select(RetentionRun).where(RetentionRun.id == run_id)
    found = (await session.scalars(wanted.with_for_update() if lock else wanted)).first()
    if found is None:
        raise NotFound(
            "retention_run_not_found", f"There is no list {run_id} here: make one by `handrail retention list`."
        )
    return found


async def approve(session: AsyncSession, actor: Actor, command: Approve, *, now: datetime) -> RetentionRun:
    """The second person agrees to exactly this list."""
    run = await get(session, command.run_id, lock=True)
    if actor.person_id is None or actor.person_id == run.listed_by:
        raise Forbidden("four_eyes", "A list needs a second person: whoever made it cannot approve it.")
    if run.status != "LISTED":
        raise Conflict("retention_decided", f"List {run.id} is {run.status} already.")
    if command.sha256 != run.sha256:
        told = {"sha256": f"the list is {run.sha256}: look at it again"}
        raise Invalid("another_list", "You name another list than this one.", fields=told)
    if not command.reason.strip():
        raise Invalid("no_reason", "Say why this may be destroyed now.", fields={"reason": "must not be empty"})
    await genuine(session, actor.tenant_id, run)
    run.status, run.approved_by, run.approved_at, run.reason = "APPROVED", actor.person_id, now, command.reason
    await session.flush()
    act = Act("approve_retention", "retention_run", run.id, reason=command.reason, after={"sha256": run.sha256})
    await audit.record(session, actor, act, now=now)
    return run


async def genuine(session: AsyncSession, tenant_id: UUID, run: RetentionRun) -> None:
    """Refuse a list that is not the one that was signed."""
    signed = await _signature(session, tenant_id, run)
    same = hmac.compare_digest(signed, run.signature)
    if not same or sha256(_content(tenant_id, run)).hexdigest() != run.sha256:
        raise Conflict("retention_list_changed", f"List {run.id} is not what was signed: make a new one.")


async def delete_line(session: AsyncSession, actor: Actor, run: RetentionRun, number: int, *, now: datetime) -> None:
    """Delete what one line lists, but for what is under hold by now; a line that was done is left alone."""
    line = run.lines[number]
    if str(number) in run.done:
        return
    if not may_end(line):
        await _note(session, actor, run, number, {"deleted": 0, "not_verified": line["count"]}, now)
        return
    schools = None if line["schools"] is None else [UUID(one) for one in line["schools"]]
    due = Due(line["class"], date.fromisoformat(line["before"]), schools, run.known_at)
    many = await queries.rows(session, due, run.id)
    await _note(session, actor, run, number, {"deleted": many}, now)


def may_end(line: Mapping[str, Any]) -> bool:
    """Whether what a line lists may be destroyed: a law's period that nobody has verified destroys nothing."""
    return bool(line.get("verified", line["law_asks_months"] is None))


async def decided(session: AsyncSession, run: RetentionRun, student_id: UUID, *, now: datetime) -> Erasure | None:
    """The erasure of a student on the list, decided by its two people; None when something holds the record by now."""
    row = await erasures.of_student(session, student_id, lock=True)
    if row is None and await queries.held(session, student_id):
        return None
    if row is None:
        row = Erasure(student_id=student_id, ground="RETENTION", requested_by=run.listed_by, requested_at=now)
        row.status = "REQUESTED"
        session.add(row)
        await session.flush()
    return row


async def erased_line(
    session: AsyncSession, actor: Actor, run: RetentionRun, number: int, counts: Mapping[str, int], *, now: datetime
) -> None:
    """Keep how many records of a line were erased and how many were kept because something holds them."""
    if str(number) not in run.done:
        await _note(session, actor, run, number, counts, now)


async def _note(
    session: AsyncSession, actor: Actor, run: RetentionRun, number: int, counts: Mapping[str, int], now: datetime
) -> None:
    line = run.lines[number]
    run.done = {**run.done, str(number): dict(counts)}
    await session.flush()
    after = {"class": line["class"], "jurisdiction": line["jurisdiction"], "before": line["before"], **counts}
    act = Act("carry_out_retention", "retention_run", run.id, reason=run.reason, after=after)
    await audit.record(session, actor, act, now=now)


async def finish(session: AsyncSession, actor: Actor, run: RetentionRun, *, now: datetime) -> None:
    """Every line was carried out."""
    run.status, run.done_at = "DONE", now
    await session.flush()
    await audit.record(session, actor, Act("finish_retention", "retention_run", run.id, reason=run.reason), now=now)


async def listed(session: AsyncSession, window: Window) -> Sequence[RetentionRun]:
    """A page of lists, the oldest first."""
    order = (RetentionRun.known_at, RetentionRun.id)
    return (await session.scalars(paged(select(RetentionRun), order, window))).all()


async def _signature(session: AsyncSession, tenant_id: UUID, run: RetentionRun) -> str:
    """By the tenant's own key, which nobody has who has the database alone."""
    key = await data_key(session, carried_by(session).keyring, tenant_id, None, AUDIT)
    return hmac.digest(key.plain, SIGNED_AS + _content(tenant_id, run), "sha256").hex()


def _content(tenant_id: UUID, run: RetentionRun) -> bytes:
    said = {
        "run": str(run.id),
        "tenant": str(tenant_id),
        "today": run.today.isoformat(),
        "known_at": run.known_at.timestamp(),
        "lines": run.lines,
        "listed_by": str(run.listed_by),
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
