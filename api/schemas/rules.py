"""Rule sets and their versions as the API shows them."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from services.rulesets import Version

_DOCUMENT: dict[str, Any] = {
    "key": "autumn",
    "title": "Autumn ladder",
    "entry": {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}},
    "stages": [
        {"key": "letter-1", "type": "LETTER", "template": "LETTER_1_ATTENDANCE", "wait_school_days": 10},
        {"key": "meeting", "type": "MEETING", "within_school_days": 10},
    ],
}
_VERSION: dict[str, Any] = {
    "id": SOME_ID,
    "key": "autumn",
    "title": "Autumn ladder",
    "jurisdiction": None,
    "version": 1,
    "status": "DRAFT",
    "digest": "0" * 64,
    "author_id": OTHER_ID,
    "submitted_at": None,
    "approved_by": None,
    "approved_at": None,
    "activated_at": None,
    "retired_at": None,
    "reason": "First draft for the autumn term.",
}


class RuleSetIn(Body):
    """A rule set's document and why it is written; `GET /interventions/rules/schema` tells what `document` may hold."""

    model_config = shown({"document": _DOCUMENT, "reason": "First draft for the autumn term."})

    document: dict[str, Any] = Field(description="The rule set: entry, stages, stop, escalate, follow_up, ...")
    reason: Reason


class VersionOut(Body):
    """One version of a rule set, without its document."""

    model_config = shown(_VERSION)

    id: UUID
    key: str
    title: str
    jurisdiction: str | None
    version: int
    status: Literal["DRAFT", "IN_REVIEW", "APPROVED", "ACTIVE", "RETIRED"]
    digest: str
    author_id: UUID | None
    submitted_at: datetime | None
    approved_by: UUID | None
    approved_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, found: Version) -> Self:
        shared = {name: getattr(found.row, name) for name in cls.model_fields if hasattr(found.row, name)}
        named = {name: getattr(found.ruleset, name) for name in ("key", "title", "jurisdiction")}
        return cls(**(shared | named))


class VersionDocumentOut(Body):
    """One version with its document."""

    model_config = shown({"version": _VERSION, "document": _DOCUMENT})

    version: VersionOut
    document: dict[str, Any]

    @classmethod
    def of(cls, found: Version) -> Self:
        return cls(version=VersionOut.of(found), document=found.row.content)


class PackOut(Body):
    """A rule set shipped with Handrail: copy its document, change what you must, and draft it as your own."""

    model_config = shown(
        {"name": "general", "title": "General attendance ladder", "jurisdiction": None, "document": _DOCUMENT}
    )

    name: str
    title: str
    jurisdiction: str | None
    document: dict[str, Any]


class PacksOut(Body):
    """Every shipped rule set."""

    model_config = shown({"items": []})

    items: list[PackOut]
