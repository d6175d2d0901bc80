"""Writes an audit entry, its encrypted detail and its place in the sealer's queue in one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_COLUMNS = """
    at, actor_id, actor_role, actor_display, source, request_id, verb, subject_kind, subject_id, student_id, reason,
    fields
"""
_VALUES = """
    cast(:at as timestamptz), cast(:actor_id as uuid), cast(:actor_role as text), cast(:actor_display as text),
    cast(:source as text), cast(:request_id as text), cast(:verb as text), cast(:subject_kind as text),
    cast(:subject_id as uuid), cast(:student_id as uuid), cast(:reason as text), cast(:fields as jsonb)
"""
_QUEUED = "queued as (insert into audit_unsealed (seq, entry_id) select seq, id from entry)"
WITHOUT_DETAIL = text(f"""
with entry as (insert into audit_entry ({_COLUMNS}) values ({_VALUES}) returning id, seq), {_QUEUED}
select id from entry
""")
# Nothing is written under a key that is gone: destroyed by somebody else, or rolled back with the work that made it.
WITH_DETAIL = text(f"""
with live as (
    select id from student_key where id = cast(:key_id as uuid) and wrapped_key is not null
), detail as (
    insert into audit_detail (id, student_id, key_id, ciphertext)
    select cast(:detail_id as uuid), cast(:student_id as uuid), live.id, cast(:ciphertext as bytea) from live
    returning id
), entry as (
    insert into audit_entry ({_COLUMNS}, detail_id, detail_sha256)
    select {_VALUES}, detail.id, cast(:detail_sha256 as text) from detail
    returning id, seq
), {_QUEUED}
select id from entry
""")


@dataclass(frozen=True, slots=True)
class NewDetail:
    """An encrypted detail about to be written, and the key that must still be there."""

    detail_id: UUID
    key_id: UUID
    ciphertext: bytes
    sha256: str


async def insert_entry(session: AsyncSession, entry: Mapping[str, Any]) -> UUID:
    """Write an entry without a detail."""
    written: UUID = (await session.execute(WITHOUT_DETAIL, entry)).scalar_one()
    return written


async def insert_detailed(session: AsyncSession, entry: Mapping[str, Any], detail: NewDetail) -> UUID | None:
    """Write an entry and its detail; None, and nothing written, when the key is not there any more."""
    given = {
        **entry,
        "detail_id": detail.detail_id,
        "key_id": detail.key_id,
        "ciphertext": detail.ciphertext,
        "detail_sha256": detail.sha256,
    }
    written: UUID | None = (await session.execute(WITH_DETAIL, given)).scalar_one_or_none()
    return written
