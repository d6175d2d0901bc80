"""Stored letters and reports as staff list them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.letters import LetterArtifact
from models.queries.keyset import Window, paged
from services.scopes import Scope


@dataclass(frozen=True, slots=True)
class ArtifactQuery:
    """Which artifacts: within the caller's reach, perhaps of one student or walk."""

    scope: Scope
    student_id: UUID | None = None
    instance_id: UUID | None = None


async def listed(session: AsyncSession, asked: ArtifactQuery, window: Window) -> Sequence[LetterArtifact]:
    """A page of artifacts, the oldest first."""
    wanted = select(LetterArtifact).where(*asked.scope.rows(LetterArtifact.school_id, LetterArtifact.student_id))
    if asked.student_id is not None:
        wanted = wanted.where(LetterArtifact.student_id == asked.student_id)
    if asked.instance_id is not None:
        wanted = wanted.where(LetterArtifact.instance_id == asked.instance_id)
    return (await session.scalars(paged(wanted, (LetterArtifact.generated_at, LetterArtifact.id), window))).all()
