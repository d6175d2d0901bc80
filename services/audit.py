"""Audit entries: one per command, in its transaction; names of changed fields and salted hashes, never values."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.audit import AuditDetail, AuditEntry
from services.context import Actor


@dataclass(frozen=True, slots=True)
class Sealed:
    """Before and after, already encrypted with the subject's key (`key_id`)."""

    key_id: UUID
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to what: `verb` in the imperative, `before` and `after` keep only the fields that changed."""

    verb: str
    subject_kind: str
    subject_id: UUID | None = None
    student_id: UUID | None = None
    reason: str | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    sealed: Sealed | None = None


async def record(session: AsyncSession, actor: Actor, act: Act, *, now: datetime) -> UUID:
    """Write the audit entry of one act in the caller's transaction and return its id."""
    salt = secrets.token_bytes(16)
    entry = insert(AuditEntry).values(
        at=now,
        actor_id=actor.person_id,
        actor_role=actor.role,
        actor_display=actor.display,
        source=actor.source,
        request_id=actor.request_id,
        verb=act.verb,
        subject_kind=act.subject_kind,
        subject_id=act.subject_id,
        student_id=act.student_id,
        reason=act.reason,
        fields=fingerprints(salt, act),
        salt=salt,
        detail_id=await _detail(session, act),
    )
    return (await session.execute(entry.returning(AuditEntry.id))).scalar_one()


def fingerprints(salt: bytes, act: Act) -> dict[str, list[str | None]]:
    """Per field the salted hash before and after: proves a claimed value later without storing it now."""
    names = sorted({*act.before, *act.after})
    return {name: [_hash(salt, name, act.before), _hash(salt, name, act.after)] for name in names}


def _hash(salt: bytes, name: str, values: Mapping[str, Any]) -> str | None:
    if name not in values:
        return None
    said = json.dumps([name, values[name]], default=str, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(salt + said.encode()).hexdigest()


async def _detail(session: AsyncSession, act: Act) -> UUID | None:
    if act.sealed is None:
        return None
    detail = insert(AuditDetail).values(
        student_id=act.student_id, key_id=act.sealed.key_id, ciphertext=act.sealed.ciphertext
    )
    return (await session.execute(detail.returning(AuditDetail.id))).scalar_one()
