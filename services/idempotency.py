"""Idempotency keys: the same key and body get the same answer for 24 hours; another body is refused."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.reliability import IdempotencyKey
from rules.errors import Conflict, Invalid
from services.context import Actor

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=1)
SIGN_OF_LIFE_SECONDS = 15.0  # a running command renews its claim; only one whose process is gone is abandoned


@dataclass(frozen=True, slots=True)
class Answer:
    """The stored answer of a command that was already carried out."""

    status: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """One command as the caller named it."""

    key: str
    route: str
    body: Any

    @property
    def digest(self) -> str:
        """The hash under which an equal body is recognised."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True, default=str).encode()).hexdigest()


async def claim(session: AsyncSession, actor: Actor, wanted: Claim, *, now: datetime) -> Answer | None:
    """Take the key (None: carry the command out, then `answer`), or return the answer given before."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.key == wanted.key,
            IdempotencyKey.route == wanted.route,
            # a process that died between claim and answer must not block the retry for a day
            or_(
                IdempotencyKey.created_at < now - KEPT,
                and_(IdempotencyKey.status.is_(None), IdempotencyKey.created_at < now - ABANDONED),
            ),
        )
    )
    taken = await session.scalar(
        insert(IdempotencyKey)
        .values(key=wanted.key, route=wanted.route, actor_id=actor.person_id, body_hash=wanted.digest, created_at=now)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if taken is not None:
        return None
    row = await session.scalar(
        select(IdempotencyKey).where(IdempotencyKey.key == wanted.key, IdempotencyKey.route == wanted.route)
    )
    if row is None or row.body_hash != wanted.digest or row.actor_id != actor.person_id:
        raise Invalid(
            "idempotency_key_reused",
            f"Idempotency-Key {wanted.key} was used for another command: send a new key.",
            fields={"Idempotency-Key": "already used with another body"},
        )
    if row.status is None or row.answer is None:
        raise Conflict("command_running", f"The command {wanted.key} is still running: ask again with the same key.")
    return Answer(row.status, row.answer)


async def renew(session: AsyncSession, wanted: Claim, *, now: datetime) -> None:
    """Say that the command is still being carried out, however long it takes."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.key == wanted.key, IdempotencyKey.route == wanted.route, IdempotencyKey.status.is_(None))
        .values(created_at=now)
    )


async def answer(session: AsyncSession, wanted: Claim, given: Answer) -> None:
    """Keep the answer for whoever sends the same command again."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.key == wanted.key, IdempotencyKey.route == wanted.route)
        .values(status=given.status, answer=given.body)
    )


async def release(session: AsyncSession, wanted: Claim) -> None:
    """Give the key of a command that failed back: nothing was done under it."""
    await session.execute(
        delete(IdempotencyKey).where(
            IdempotencyKey.key == wanted.key, IdempotencyKey.route == wanted.route, IdempotencyKey.status.is_(None)
        )
    )
