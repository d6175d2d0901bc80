"""What a new tenant starts with: the shipped letter templates, ready for use, and the shipped rules, as drafts."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from rules.letters.templates import StarterTemplate, TemplatePurpose, starter_templates
from rules.letters.versions import TemplateText, Translation
from rules.rulesets.ruleset import STARTER, dump_ruleset, load_pack
from services import audit, letter_templates, rulesets
from services.audit import Act
from services.context import Actor
from services.letter_templates import DraftTemplate
from services.rulesets import DraftRuleSet

PROVENANCE: Final = "shipped with Handrail"
# A celebration and a supportive letter may speak with a school's own voice; what an order or a step rests on may not.
OWN_VOICE: Final = frozenset({TemplatePurpose.SUPPORTIVE, TemplatePurpose.INVITATION, TemplatePurpose.CELEBRATION})


async def stock(session: AsyncSession, actor: Actor, *, now: datetime) -> None:
    """Fill a tenant that was made in this very transaction.

    Letters can go out from the first day; rules decide about children, so two people of the tenant look at them first.
    """
    await letters(session, actor, now=now)
    pack = dump_ruleset(load_pack(STARTER))
    await rulesets.draft(session, actor, DraftRuleSet(pack, PROVENANCE), now=now)


async def letters(session: AsyncSession, actor: Actor, *, now: datetime) -> None:
    """The shipped wording, approved; what speaks for the law is a draft."""
    for template in starter_templates():
        await _letter(session, actor, template, now=now)


async def _letter(session: AsyncSession, actor: Actor, template: StarterTemplate, *, now: datetime) -> None:
    """Nobody of the tenant wrote or approved it: both names stay empty, the provenance says why."""
    text = TemplateText(
        language=template.language,
        texts={template.language: Translation(title=template.title, subject=template.subject, body=template.body)},
        merge_field_schema=template.merge_field_schema,
    )
    scope = "SCHOOL_OVERRIDE_ALLOWED" if template.purpose in OWN_VOICE else "DISTRICT_ONLY"
    order = DraftTemplate(template.key, None, template.purpose, scope, text, PROVENANCE)
    version = (await letter_templates.draft(session, actor, order, now=now)).row
    if template.purpose is TemplatePurpose.STATUTORY:
        return  # what the law asks for is read and approved by two people of the tenant
    version.status, version.approved_at = "APPROVED", now
    await session.flush()
    act = Act(
        "approve_shipped_template",
        "letter_template_version",
        version.id,
        reason=PROVENANCE,
        after={"status": version.status, "digest": version.digest, "version": version.version},
    )
    await audit.record(session, actor, act, now=now)
