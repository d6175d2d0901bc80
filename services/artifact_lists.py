"""Stored letters and reports as staff list them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.letters import LetterArtifact
from models.queries.keyset import Window, paged
from rules.ids import SchoolId


@dataclass(frozen=True, slots=True)
class ArtifactQuery:
    """Which artifacts: of these schools (None: all), perhaps of one student or walk."""

    school_ids: frozenset[SchoolId] | None
    student_id: UUID | None = None
    instance_id: UUID | None = None


async def listed(session: AsyncSession, asked: ArtifactQuery, window: Window) -> Sequence[LetterArtifact]:
    """A page of artifacts, the oldest first."""
    wanted = select(LetterArtifact)
    if asked.school_ids is not None:
        wanted = wanted.where(LetterArtifact.school_id.in_(asked.school_ids))
    if asked.student_id is not None:
        wanted = wanted.where(LetterArtifact.student_id == asked.student_id)
    if asked.instance_id is not None:
        wanted = wanted.where(LetterArtifact.instance_id == asked.instance_id)
    return (await session.scalars(paged(wanted, (LetterArtifact.generated_at, LetterArtifact.id), window))).all()
