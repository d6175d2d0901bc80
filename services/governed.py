"""The life of a governed version: drafted, handed to a second person, agreed to, taken out of use."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from models.governed import Governed
from rules.errors import Conflict, Forbidden
from services import audit
from services.audit import Act
from services.context import Actor


@dataclass(frozen=True, slots=True)
class VersionQuery:
    """Which versions: perhaps of one key or in one state."""

    key: str | None = None
    status: str | None = None

    def conditions(
        self, key: InstrumentedAttribute[str], status: InstrumentedAttribute[str]
    ) -> list[ColumnElement[bool]]:
        """What the two columns must be."""
        wanted = ((key, self.key), (status, self.status))
        return [column == value for column, value in wanted if value is not None]


@dataclass(frozen=True, slots=True)
class MoveVersion:
    """One step of a version's life, with the reason."""

    version_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Governance:
    """What one kind of governed version is called: in codes and verbs, to people, and in the audit trail."""

    word: str
    said: str
    subject_kind: str

    def refuse_unless(self, row: Governed, status: str) -> None:
        """A step begins in one state only."""
        if row.status != status:
            raise Conflict(
                f"{self.word}_state",
                f"Version {row.id} is {row.status}; this needs one that is {status}.",
                status=row.status,
            )

    def refuse_author(self, actor: Actor, row: Governed) -> None:
        """Two people look at what decides about children."""
        if actor.person_id is None or actor.person_id == row.author_id:
            raise Forbidden("four_eyes", f"The author of a {self.said} cannot approve it; ask a colleague.")

    async def move(
        self, session: AsyncSession, actor: Actor, row: Governed, status: str, command: MoveVersion, *, now: datetime
    ) -> None:
        """Take a step, stamped with its moment and, where it is an agreement, with who agreed."""
        row.status, row.reason = status, command.reason
        if status == "IN_REVIEW":
            row.submitted_at = now
        if status == "APPROVED":
            row.approved_at, row.approved_by = now, actor.person_id
        if status == "RETIRED":
            row.retired_at = now
        await session.flush()
        await self.record(session, actor, row, f"move_{self.word}_to_{status.lower()}", now=now)

    async def record(self, session: AsyncSession, actor: Actor, row: Governed, verb: str, *, now: datetime) -> None:
        """The audit entry of what the row now says of itself."""
        after = {"status": row.status, "digest": row.digest, "version": row.version}
        act = Act(verb=verb, subject_kind=self.subject_kind, subject_id=row.id, reason=row.reason, after=after)
        await audit.record(session, actor, act, now=now)
