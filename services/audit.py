"""Audit entries: one per command, in its transaction; the values before and after only encrypted.

An entry names the fields that changed with salted hashes. The values and the salt lie in its detail, sealed with the
subject's audit key: destroying that key erases the values, and leaves hashes that nobody can try guesses against.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from gateways.keyring import open_sealed, seal
from models.audit import AuditDetail
from models.queries.audit_entries import NewDetail, insert_detailed, insert_entry
from rules.errors import Conflict
from services.audit_keys import carried_by
from services.context import Actor
from services.student_keys import DataKey, key_of


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


@dataclass(frozen=True, slots=True)
class Detail:
    """What a detail says once it is opened."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    salt: bytes


async def record(session: AsyncSession, actor: Actor, act: Act, *, now: datetime) -> UUID:
    """Write the audit entry of one act in the caller's transaction and return its id."""
    salt = secrets.token_bytes(16)
    entry = {
        "at": now,
        "actor_id": actor.person_id,
        "actor_role": actor.role,
        "actor_display": actor.display,
        "source": actor.source,
        "request_id": actor.request_id,
        "verb": act.verb,
        "subject_kind": act.subject_kind,
        "subject_id": act.subject_id,
        "student_id": act.student_id,
        "reason": act.reason,
        "fields": json.dumps(fingerprints(salt, act)),
    }
    if not act.before and not act.after:
        return await insert_entry(session, entry)
    return await _detailed(session, actor.tenant_id, act, entry, salt)


async def _detailed(session: AsyncSession, tenant_id: UUID, act: Act, entry: Mapping[str, Any], salt: bytes) -> UUID:
    keys = carried_by(session)
    key = keys.remembered(tenant_id, act.student_id)
    written = await insert_detailed(session, entry, _sealed(key, act, salt)) if key else None
    if written is not None:
        return written
    keys.forget(tenant_id, act.student_id)
    try:
        key = await keys.fetched(session, tenant_id, act.student_id)
    except Conflict:  # erased: that it happened is kept, what the values were is not
        return await insert_entry(session, entry)
    written = await insert_detailed(session, entry, _sealed(key, act, salt))
    # destroyed between the two statements by somebody else
    return written if written is not None else await insert_entry(session, entry)


def _sealed(key: DataKey, act: Act, salt: bytes) -> NewDetail:
    detail_id = uuid4()
    said = _json({"before": dict(act.before), "after": dict(act.after), "salt": salt.hex()})
    ciphertext = seal(key.plain, detail_id, said.encode())
    return NewDetail(detail_id, key.id, ciphertext, hashlib.sha256(ciphertext).hexdigest())


async def opened(session: AsyncSession, tenant_id: UUID, detail: AuditDetail) -> Detail | None:
    """The values before and after; None when the key that sealed them was destroyed."""
    try:
        key = await key_of(session, carried_by(session).keyring, tenant_id, detail.key_id)
    except Conflict:
        return None
    said = json.loads(open_sealed(key.plain, detail.id, detail.ciphertext))
    return Detail(said["before"], said["after"], bytes.fromhex(said["salt"]))


def fingerprints(salt: bytes, act: Act) -> dict[str, list[str | None]]:
    """Per field the salted hash before and after: with the detail's salt, proves or disproves a claimed value."""
    names = sorted({*act.before, *act.after})
    return {name: [_hash(salt, name, act.before), _hash(salt, name, act.after)] for name in names}


def _hash(salt: bytes, name: str, values: Mapping[str, Any]) -> str | None:
    if name not in values:
        return None
    return hashlib.sha256(salt + _json([name, values[name]]).encode()).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
