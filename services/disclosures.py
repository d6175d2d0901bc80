"""The disclosure log: what anybody outside the school saw or was given, why and when; apart from audit, insert-only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.keyring import open_sealed, seal
from gateways.ports import KeyRing, WrongKey
from models.guardians import GuardianLink
from models.privacy import Disclosure
from models.queries.keyset import Window, paged
from rules.errors import Conflict, NotFound
from rules.privacy.disclosures import Disclosed, DisclosurePurpose, Party, told_to, without_names
from services.audit import Act, record
from services.context import Actor
from services.student_keys import data_key, key_of

RECORD_CLASS = "disclosures"
ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class Disclose:
    """What went to whom. `recipient` and `interest` are staff's words; they are sealed with the student's key."""

    student_id: UUID
    party: Party
    purpose: DisclosurePurpose
    what: str
    what_id: UUID | None = None
    guardian_id: UUID | None = None
    recipient: str = ""
    interest: str = ""


async def seen(session: AsyncSession, actor: Actor, told: Disclose, *, now: datetime) -> UUID:
    """Write down that an account from outside the school looked: no words, so no key is needed."""
    return await _write(session, told, {"person_id": actor.person_id, "request_id": actor.request_id}, now=now)


async def give(session: AsyncSession, keyring: KeyRing, actor: Actor, told: Disclose, *, now: datetime) -> UUID:
    """Write down that staff handed something over, with the recipient's name and the interest in words, sealed."""
    key = await data_key(session, keyring, actor.tenant_id, told.student_id, RECORD_CLASS)
    # made by the database, in order of time: the log reads in the order in which things happened
    disclosure_id: UUID = (await session.execute(select(func.uuidv7()))).scalar_one()
    said = json.dumps({"recipient": told.recipient, "interest": told.interest}, ensure_ascii=False)
    more = {
        "id": disclosure_id,
        "released_by": actor.person_id,
        "request_id": actor.request_id,
        "key_id": key.id,
        "words": seal(key.plain, disclosure_id, said.encode()),
    }
    await _write(session, told, more, now=now)
    after = {"party": told.party.value, "purpose": told.purpose.value, "what": told.what}
    act = Act("disclose", "disclosure", disclosure_id, told.student_id, told.purpose.value, after=after)
    await record(session, actor, act, now=now)
    return disclosure_id


async def _write(session: AsyncSession, told: Disclose, more: Mapping[str, object], *, now: datetime) -> UUID:
    row = insert(Disclosure).values(
        student_id=told.student_id,
        at=now,
        party=told.party.value,
        purpose=told.purpose.value,
        what=told.what,
        what_id=told.what_id,
        guardian_id=told.guardian_id,
        **more,
    )
    return (await session.execute(row.returning(Disclosure.id))).scalar_one()


async def of_student(session: AsyncSession, student_id: UUID, window: Window) -> Sequence[Disclosure]:
    """A page of the log of one student, the oldest first."""
    mine = select(Disclosure).where(Disclosure.student_id == student_id)
    return (await session.scalars(paged(mine, (Disclosure.at, Disclosure.id), window))).all()


async def told_lines(session: AsyncSession, student_id: UUID, guardian_id: UUID) -> list[Disclosed]:
    """The log as one guardian may read it; who else saw what, and which staff gave it, stays unsaid."""
    mine = select(Disclosure).where(Disclosure.student_id == student_id).order_by(Disclosure.at, Disclosure.id)
    lines = [line_of(row) for row in (await session.scalars(mine)).all()]
    hidden = await _moves_hidden(session, student_id, guardian_id)
    return [without_names(line) for line in lines if told_to(line, guardian_id, moves_hidden=hidden)]


async def _moves_hidden(session: AsyncSession, student_id: UUID, guardian_id: UUID) -> bool:
    """Whether another guardian of the child has, or had, a confidential address (safeguards.md section 2)."""
    another = select(GuardianLink.id).where(
        GuardianLink.student_id == student_id,
        GuardianLink.guardian_id != guardian_id,
        GuardianLink.address_confidential.is_(True),
    )
    return await session.scalar(another.limit(1)) is not None


async def read(session: AsyncSession, keyring: KeyRing, tenant_id: UUID, row: Disclosure) -> Disclosed:
    """One line with its words; after an erasure they cannot be read any more."""
    if row.words is None:
        return line_of(row)
    try:
        key = await key_of(session, keyring, tenant_id, row.key_id)
        said = json.loads(open_sealed(key.plain, row.id, row.words))
    except (Conflict, NotFound, WrongKey):
        return line_of(row, ERASED, ERASED)
    return line_of(row, said["recipient"], said["interest"])


def line_of(row: Disclosure, recipient: str = "", interest: str = "") -> Disclosed:
    """The row as the rules see it."""
    return Disclosed(
        id=row.id,
        at=row.at,
        party=Party(row.party),
        purpose=DisclosurePurpose(row.purpose),
        what=row.what,
        guardian_id=row.guardian_id,
        recipient=recipient,
        interest=interest,
        released_by=row.released_by,
        person_id=row.person_id,
    )
