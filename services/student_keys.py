"""The data key of one student and record class: made once, kept wrapped, destroyed to erase what it sealed."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import KeyRing, WrappedKey
from models.letters import StudentKey
from rules.errors import Conflict, NotFound

LETTERS = "letters"
AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened key for sealing or opening; `id` is what an artifact remembers."""

    id: UUID
    plain: bytes = field(repr=False)


async def data_key(
    session: AsyncSession, keyring: KeyRing, tenant_id: UUID, student_id: UUID | None, record_class: str = LETTERS
) -> DataKey:
    """The student's key, made now if there is none; of racing writers the first one's key is everybody's.

    Without a student it is the tenant's own. A destroyed key is never made again: Conflict("key_destroyed").
    """
    mine = select(StudentKey).where(StudentKey.student_id == student_id, StudentKey.record_class == record_class)
    row = (await session.scalars(mine)).first()
    if row is None:
        _, wrapped = keyring.new_data_key(tenant_id, _subject(student_id, record_class))
        await session.execute(
            insert(StudentKey)
            .values(
                student_id=student_id,
                record_class=record_class,
                wrapped_key=wrapped.wrapped,
                tenant_key_id=wrapped.tenant_key_id,
            )
            .on_conflict_do_nothing()
        )
        row = (await session.scalars(mine)).one()
    return _opened(keyring, tenant_id, row)


async def key_of(session: AsyncSession, keyring: KeyRing, tenant_id: UUID, key_id: UUID | None) -> DataKey:
    """The key that sealed an artifact; a destroyed one opens nothing any more."""
    row = await session.get(StudentKey, key_id) if key_id else None
    if row is None:
        raise NotFound("key_not_found", f"There is no data key {key_id} here.")
    return _opened(keyring, tenant_id, row)


def _opened(keyring: KeyRing, tenant_id: UUID, row: StudentKey) -> DataKey:
    if row.wrapped_key is None:
        raise Conflict("key_destroyed", f"Data key {row.id} was destroyed: what it sealed is erased.")
    wrapped = WrappedKey(row.wrapped_key, row.tenant_key_id)
    return DataKey(row.id, keyring.unwrap(tenant_id, _subject(row.student_id, row.record_class), wrapped))


def _subject(student_id: UUID | None, record_class: str) -> str:
    return f"{student_id or 'tenant'}/{record_class}"
