"""Letter templates and stored letters as the API shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from rules.letters.templates import TemplatePurpose
from rules.letters.versions import TemplateText
from services.letter_templates import TemplateVersion

_BODY = "<h1>How can we help {{ student_first_name }}?</h1><p>{{ salutation }},</p><p>We would like to help.</p>"
_TEXT: dict[str, Any] = {
    "language": "en",
    "texts": {"en": {"title": "How we can help", "body": _BODY, "state": "source"}},
    "merge_field_schema": {},
}
_VERSION: dict[str, Any] = {
    "id": SOME_ID,
    "template_id": OTHER_ID,
    "key": "LETTER_1_ATTENDANCE",
    "school_id": None,
    "kind": "LETTER",
    "title": "How we can help",
    "purpose": "supportive",
    "lock_scope": "DISTRICT_ONLY",
    "version": 1,
    "status": "DRAFT",
    "digest": "0" * 64,
    "languages": ["en"],
    "author_id": OTHER_ID,
    "approved_by": None,
    "approved_at": None,
    "retired_at": None,
    "reason": "First wording.",
}
TemplateKey = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class TemplateIn(Body):
    """A new version of a template: its wording in every language, and why it is written."""

    model_config = shown(
        {"key": "LETTER_1_ATTENDANCE", "purpose": "supportive", "text": _TEXT, "reason": "First wording."}
    )

    key: TemplateKey
    school_id: UUID | None = Field(default=None, description="A school's own wording, where the district allows it.")
    purpose: TemplatePurpose
    lock_scope: Literal["DISTRICT_ONLY", "SCHOOL_OVERRIDE_ALLOWED"] = "DISTRICT_ONLY"
    text: TemplateText
    reason: Reason


class TemplateEditIn(Body):
    """Another wording for a draft."""

    model_config = shown({"text": _TEXT, "reason": "Shorter opening."})

    text: TemplateText
    reason: Reason


class FindingOut(Body):
    """One thing an approver must see; blocking ones refuse the approval."""

    model_config = shown({"code": "harsh_words", "message": "en: Take out: failure.", "blocking": True})

    code: str
    message: str
    blocking: bool


class TemplateVersionOut(Body):
    """One version of a template, without its text."""

    model_config = shown(_VERSION)

    id: UUID
    template_id: UUID
    key: str
    school_id: UUID | None
    kind: str
    title: str
    purpose: TemplatePurpose
    lock_scope: str
    version: int
    status: Literal["DRAFT", "IN_REVIEW", "APPROVED", "RETIRED"]
    digest: str | None
    languages: list[str]
    author_id: UUID | None
    approved_by: UUID | None
    approved_at: datetime | None
    retired_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, found: TemplateVersion) -> Self:
        template = {name: getattr(found.template, name) for name in cls.model_fields if hasattr(found.template, name)}
        row = {name: getattr(found.row, name) for name in cls.model_fields if hasattr(found.row, name)}
        return cls(**(template | row | {"languages": sorted(found.row.translations)}))


class TemplateTextOut(Body):
    """One version with its text and what an approver must see about it."""

    model_config = shown({"version": _VERSION, "text": _TEXT, "findings": []})

    version: TemplateVersionOut
    text: TemplateText
    findings: list[FindingOut]

    @classmethod
    def of(cls, found: TemplateVersion) -> Self:
        judged = [FindingOut.model_validate(one) for one in found.judged()]
        return cls(version=TemplateVersionOut.of(found), text=found.text, findings=judged)


class StarterOut(Body):
    """A template shipped with Handrail: copy it, change what you must, and draft it as your own."""

    model_config = shown({"key": "LETTER_1_ATTENDANCE", "purpose": "supportive", "text": _TEXT})

    key: str
    purpose: TemplatePurpose
    text: TemplateText


class StartersOut(Body):
    """Every shipped template."""

    model_config = shown({"items": []})

    items: list[StarterOut]
