"""Which template version a letter uses: the school's own approved override, else the district's."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.letters import LetterTemplate, LetterTemplateVersion


async def district_wording(session: AsyncSession, key: str) -> bool:
    """Whether every school has an approved wording of this template: the district's own."""
    wanted = (
        select(LetterTemplateVersion.id)
        .join(LetterTemplate, LetterTemplate.id == LetterTemplateVersion.template_id)
        .where(
            LetterTemplate.key == key, LetterTemplateVersion.status == "APPROVED", LetterTemplate.school_id.is_(None)
        )
    )
    return (await session.scalars(wanted.limit(1))).first() is not None


async def approved_version(session: AsyncSession, key: str, school_id: UUID) -> LetterTemplateVersion | None:
    """The newest approved version of a template for a school, or None if nobody has approved one."""
    newest = (
        select(LetterTemplateVersion)
        .join(LetterTemplate, LetterTemplate.id == LetterTemplateVersion.template_id)
        .where(
            LetterTemplate.key == key,
            LetterTemplateVersion.status == "APPROVED",
            or_(LetterTemplate.school_id.is_(None), LetterTemplate.school_id == school_id),
        )
        .order_by(LetterTemplate.school_id.nulls_last(), LetterTemplateVersion.version.desc())
        .limit(1)
    )
    return (await session.scalars(newest)).first()
