"""Pointers as staff handle them: made for one guardian and one thing, listed, withdrawn, ended by a contact stop.

A token names its tenant, as a session's cookie does (decision 13): the rest is looked up inside it like any other row.
"""

import base64
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.evidence_packs import EvidencePack
from models.letters import LetterArtifact
from models.pointers import Pointer
from models.queries import calendar
from models.queries.keyset import Window, paged
from models.students import Student
from rules.access.pointers import PointerEnd, PointerKind, PointerState, state
from rules.access.sessions import fingerprint
from rules.errors import Conflict, NotFound
from services import audit, entitlement, evidence_packs
from services.audit import Act
from services.context import Actor
from services.scopes import Scope

SECRET_BYTES: Final = 24
TENANT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class MakePointer:
    """Lead this guardian to this thing for so many days."""

    guardian_id: UUID
    kind: PointerKind
    thing_id: UUID
    days: int


@dataclass(frozen=True, slots=True)
class Thing:
    """What a pointer leads to: whose it is and where it is filed."""

    student_id: UUID
    school_id: UUID


def new_token(tenant_id: UUID) -> str:
    """The token of a link: the tenant, and a secret that nobody guesses."""
    return base64.urlsafe_b64encode(tenant_id.bytes + secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")


def tenant_of(token: str) -> UUID | None:
    """The tenant that a token names; None when it is no token of ours."""
    try:
        said = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return UUID(bytes=said[:TENANT_BYTES]) if len(said) == TENANT_BYTES + SECRET_BYTES else None


async def thing(session: AsyncSession, guardian_id: UUID, kind: PointerKind, thing_id: UUID, now: datetime) -> Thing:
    """The thing, if it is this guardian's own and may still be given out; NotFound tells nothing of anybody else's."""
    found: LetterArtifact | EvidencePack | None
    if kind is PointerKind.LETTER:
        found = letter = await session.get(LetterArtifact, thing_id, populate_existing=True)
        gone = letter is None or letter.kind != "LETTER" or letter.guardian_id != guardian_id
        gone = gone or (letter is not None and (letter.rescinded_at or letter.superseded_by) is not None)
    else:
        found = pack = await session.get(EvidencePack, thing_id, populate_existing=True)
        gone = pack is None or not evidence_packs.held_out_to(pack, guardian_id, now)
    if found is None or gone:
        raise NotFound(
            "thing_not_found", f"Guardian {guardian_id} has no {kind.value.lower()} {thing_id} to be led to."
        )
    return Thing(found.student_id, found.school_id)


async def refuse_unless_entitled(session: AsyncSession, guardian_id: UUID, about: Thing, now: datetime) -> None:
    """Conflict unless the guardian may open this child's things today: link, orders, contact stops."""
    on = await calendar.local_date(session, about.school_id, now)
    student = await session.get(Student, about.student_id, populate_existing=True)
    gone = student is None or student.deceased_on or student.deleted_at or student.erased_at
    if gone or about.student_id not in await entitlement.children(session, guardian_id, on=on):
        why = f"Guardian {guardian_id} may not open things of student {about.student_id} now: look at their link."
        raise Conflict("not_entitled", why)


async def make(session: AsyncSession, actor: Actor, command: MakePointer, *, now: datetime) -> tuple[Pointer, str]:
    """A pointer and its token, which is told this once and kept as a fingerprint only."""
    about = await thing(session, command.guardian_id, command.kind, command.thing_id, now)
    await refuse_unless_entitled(session, command.guardian_id, about, now)
    token = new_token(actor.tenant_id)
    row = Pointer(
        guardian_id=command.guardian_id,
        student_id=about.student_id,
        school_id=about.school_id,
        kind=command.kind.value,
        thing_id=command.thing_id,
        token_hash=fingerprint(token),
        made_by=actor.person_id,
        made_at=now,
        expires_at=now + timedelta(days=command.days),
    )
    session.add(row)
    await session.flush()
    after = {"kind": row.kind, "thing_id": str(row.thing_id), "expires_at": row.expires_at.isoformat()}
    act = Act("make_pointer", "pointer", row.id, row.student_id, after={"guardian_id": str(row.guardian_id), **after})
    await audit.record(session, actor, act, now=now)
    return row, token


async def listed(session: AsyncSession, guardian_id: UUID, scope: Scope, window: Window) -> Sequence[Pointer]:
    """A page of a guardian's pointers to things within the reader's reach, the oldest first."""
    mine = select(Pointer).where(Pointer.guardian_id == guardian_id, *scope.rows(Pointer.school_id, Pointer.student_id))
    return (await session.scalars(paged(mine, (Pointer.id,), window))).all()


async def of_guardian(session: AsyncSession, guardian_id: UUID, pointer_id: UUID) -> Pointer:
    """One pointer of a guardian, locked for this transaction."""
    wanted = select(Pointer).where(Pointer.id == pointer_id, Pointer.guardian_id == guardian_id).with_for_update()
    found = (await session.scalars(wanted)).one_or_none()
    if found is None:
        raise NotFound("pointer_not_found", f"Guardian {guardian_id} has no link {pointer_id} here.")
    return found


def state_of(row: Pointer, now: datetime) -> PointerState:
    """How a pointer stands."""
    return state(row.expires_at, PointerEnd(row.ended_by) if row.ended_by else None, now)


async def withdraw(session: AsyncSession, actor: Actor, row: Pointer, reason: str, *, now: datetime) -> Pointer:
    """The link opens nothing from now on; whoever looks is out at the next request."""
    if row.ended_at is not None:
        raise Conflict("pointer_ended", f"Link {row.id} has ended already.")
    await end(session, actor, row, PointerEnd.WITHDRAWN, reason, now=now)
    return row


async def end(
    session: AsyncSession, actor: Actor, row: Pointer, why: PointerEnd, reason: str, *, now: datetime
) -> None:
    """Write down the end of a pointer."""
    row.ended_at, row.ended_by = now, why.value
    await session.flush()
    act = Act("end_pointer", "pointer", row.id, row.student_id, reason, after={"ended_by": why.value})
    await audit.record(session, actor, act, now=now)


async def end_for_stop(
    session: AsyncSession, actor: Actor, students: Collection[UUID], guardian_id: UUID | None, *, now: datetime
) -> None:
    """A contact stop ends every link to what it covers; lifting it brings none of them back."""
    whom: ColumnElement[bool] = Pointer.student_id.in_(students)
    if guardian_id is not None:
        whom = Pointer.guardian_id == guardian_id
    ended = await session.execute(
        update(Pointer)
        .where(whom, Pointer.ended_at.is_(None))
        .values(ended_at=now, ended_by=PointerEnd.CONTACT_STOP.value)
        .returning(Pointer.id, Pointer.student_id)
    )
    for pointer_id, student_id in ended.all():
        after = {"ended_by": PointerEnd.CONTACT_STOP.value}
        act = Act("end_pointer", "pointer", pointer_id, student_id, "contact stop", after=after)
        await audit.record(session, actor, act, now=now)
