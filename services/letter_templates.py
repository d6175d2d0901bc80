"""Letter templates: written, judged, approved by a second person; an approved text never changes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from models.letters import LetterTemplate, LetterTemplateVersion
from models.queries.keyset import Window, paged
from rules.errors import Conflict, Invalid, NotFound
from rules.letters.checks import Finding
from rules.letters.templates import TemplatePurpose
from rules.letters.versions import TemplateText, findings, refuse_unreadable
from services.context import Actor
from services.governed import Governance, MoveVersion, VersionQuery

TEMPLATES: Final = Governance("template", "template", "letter_template_version")


@dataclass(frozen=True, slots=True)
class DraftTemplate:
    """A new version; the template itself is made with its first one. `school_id`: that school's own wording."""

    key: str
    school_id: UUID | None
    purpose: TemplatePurpose
    lock_scope: str
    text: TemplateText
    reason: str


@dataclass(frozen=True, slots=True)
class EditTemplate:
    """Another text for a draft."""

    version_id: UUID
    text: TemplateText
    reason: str


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A version with the template it belongs to."""

    template: LetterTemplate
    row: LetterTemplateVersion

    @property
    def text(self) -> TemplateText:
        """All languages of the version."""
        return TemplateText.stored(self.row.body, self.row.translations, self.row.merge_field_schema)

    def judged(self) -> tuple[Finding, ...]:
        """What an approver must see."""
        return findings(self.text, TemplatePurpose(self.template.purpose))


async def listed(session: AsyncSession, asked: VersionQuery, window: Window) -> Sequence[TemplateVersion]:
    """A page of versions, the oldest first."""
    wanted = select(LetterTemplateVersion, LetterTemplate).join(
        LetterTemplate, LetterTemplate.id == LetterTemplateVersion.template_id
    )
    wanted = wanted.where(*asked.conditions(LetterTemplate.key, LetterTemplateVersion.status))
    rows = await session.execute(paged(wanted, (LetterTemplateVersion.id,), window))
    return [TemplateVersion(template, row) for row, template in rows]


async def get(session: AsyncSession, version_id: UUID, *, lock: bool = False) -> TemplateVersion:
    """One version."""
    row = await session.get(LetterTemplateVersion, version_id, with_for_update=lock, populate_existing=lock)
    if row is None:
        raise NotFound("template_not_found", f"There is no template version {version_id} here.")
    return TemplateVersion(await session.get_one(LetterTemplate, row.template_id), row)


async def draft(session: AsyncSession, actor: Actor, command: DraftTemplate, *, now: datetime) -> TemplateVersion:
    """Write the next version of a template, or the first of a new one."""
    refuse_unreadable(command.text)
    template = await _template(session, command)
    last = await session.scalar(
        select(func.max(LetterTemplateVersion.version)).where(LetterTemplateVersion.template_id == template.id)
    )
    row = LetterTemplateVersion(template_id=template.id, version=(last or 0) + 1, status="DRAFT")
    _write(row, actor, command.text, command.reason)
    session.add(row)
    await session.flush()
    await TEMPLATES.record(session, actor, row, "draft_template", now=now)
    return TemplateVersion(template, row)


async def _template(session: AsyncSession, command: DraftTemplate) -> LetterTemplate:
    same = select(LetterTemplate).where(
        LetterTemplate.key == command.key, LetterTemplate.school_id.is_not_distinct_from(command.school_id)
    )
    found = await session.scalar(same.with_for_update())
    if found is not None:
        return found
    if command.school_id is not None:
        await _override_allowed(session, command.key)
    template = LetterTemplate(
        key=command.key,
        school_id=command.school_id,
        kind="LETTER",
        title=command.text.texts[command.text.language].title,
        purpose=command.purpose.value,
        lock_scope=command.lock_scope,
    )
    session.add(template)
    await session.flush()
    return template


async def _override_allowed(session: AsyncSession, key: str) -> None:
    district = select(LetterTemplate).where(LetterTemplate.key == key, LetterTemplate.school_id.is_(None))
    found = await session.scalar(district)
    if found is not None and found.lock_scope == "DISTRICT_ONLY":
        raise Conflict("template_locked", f"The district keeps the wording of {key} for itself; ask it to open it.")


def _write(row: LetterTemplateVersion, actor: Actor, text: TemplateText, reason: str) -> None:
    row.body, row.translations = text.row()
    row.merge_field_schema = dict(text.merge_field_schema)
    row.digest = hashlib.sha256(text.model_dump_json().encode()).hexdigest()
    row.author_id, row.reason = actor.person_id, reason


async def edit(session: AsyncSession, actor: Actor, command: EditTemplate, *, now: datetime) -> TemplateVersion:
    """Change a draft's text."""
    found = await _in_state(session, command.version_id, "DRAFT")
    refuse_unreadable(command.text)
    _write(found.row, actor, command.text, command.reason)
    found.row.revision += 1
    await session.flush()
    await TEMPLATES.record(session, actor, found.row, "edit_template", now=now)
    return found


async def submit(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> TemplateVersion:
    """Hand a draft to a second person."""
    found = await _in_state(session, command.version_id, "DRAFT")
    return await _moved(session, actor, found, "IN_REVIEW", command, now)


async def approve(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> TemplateVersion:
    """Agree, as somebody else than the author, once nothing blocks; the version before it is retired.

    Letters already planned keep the version they are pinned to.
    """
    found = await _in_state(session, command.version_id, "IN_REVIEW")
    TEMPLATES.refuse_author(actor, found.row)
    if blocking := {one.code: one.message for one in found.judged() if one.blocking}:
        raise Invalid("template_refused", "The wording cannot be approved yet; correct what is named.", fields=blocking)
    before = select(LetterTemplateVersion).where(
        LetterTemplateVersion.template_id == found.template.id, LetterTemplateVersion.status == "APPROVED"
    )
    for older in (await session.scalars(before.with_for_update())).all():
        await TEMPLATES.move(session, actor, older, "RETIRED", command, now=now)
    return await _moved(session, actor, found, "APPROVED", command, now)


async def retire(session: AsyncSession, actor: Actor, command: MoveVersion, *, now: datetime) -> TemplateVersion:
    """Take an approved version out of use for letters planned from now on."""
    found = await _in_state(session, command.version_id, "APPROVED")
    return await _moved(session, actor, found, "RETIRED", command, now)


async def _in_state(session: AsyncSession, version_id: UUID, status: str) -> TemplateVersion:
    found = await get(session, version_id, lock=True)
    TEMPLATES.refuse_unless(found.row, status)
    return found


async def _moved(
    session: AsyncSession, actor: Actor, found: TemplateVersion, status: str, command: MoveVersion, now: datetime
) -> TemplateVersion:
    await TEMPLATES.move(session, actor, found.row, status, command, now=now)
    return found
