"""The audit trail, the view log and the state of the chain as the API shows them."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.paging import DEFAULT_LIMIT, MAX_LIMIT
from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from models.queries.audit_trail import TrailFilter
from rules.bounds import AnyDay
from rules.errors import Invalid
from rules.ids import StudentId
from services.audit import Detail
from services.audit_extract import ExtractUse
from services.audit_restores import AcknowledgedRestore
from services.audit_trail import Line
from services.audit_verification import ChainReport, Fault


class TrailIn(BaseModel):
    """What a reader asks of the trail."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["acts", "views"] = Field("acts", description="What was done, or who was shown whom.")
    student_id: UUID | None = None
    instance_id: UUID | None = Field(None, description="A walk with all that belongs to it.")
    actor_id: UUID | None = None
    action: str | None = Field(None, max_length=64, description="What was done; of views, the operation that answered.")
    subject_kind: str | None = Field(None, max_length=64)
    first: AnyDay | None = Field(None, alias="from", description="First day, in UTC.")
    last: AnyDay | None = Field(None, alias="to", description="Last day, in UTC.")
    details: bool = Field(False, description="Open the values before and after; whom they concern, was shown.")
    form: Literal["json", "csv"] = Field(
        "json", alias="format", description="CSV: everything asked for, in one answer."
    )
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many items a page holds.")
    cursor: str | None = Field(None, max_length=500, description="`next_cursor` of the page before.")

    def filtered(self, never: frozenset[StudentId]) -> TrailFilter:
        """The filter; the view log knows students, people and operations only."""
        if self.kind == "views" and (self.instance_id or self.subject_kind or self.details):
            raise Invalid("not_of_views", "The view log knows no instance, subject kind or details: leave them out.")
        names = ("student_id", "instance_id", "actor_id", "action", "subject_kind", "first", "last")
        return TrailFilter(**{name: getattr(self, name) for name in names}, never=never)


class ExtractIn(BaseModel):
    """Of whom, for what, over which days."""

    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    use: ExtractUse
    first: AnyDay | None = Field(None, alias="from", description="First day, in UTC.")
    last: AnyDay | None = Field(None, alias="to", description="Last day, in UTC.")
    form: Literal["pdf", "csv"] = Field("pdf", alias="format")


class ChangedOut(Body):
    """The values of the fields an act changed; `erased` when their key was destroyed."""

    before: dict[str, Any]
    after: dict[str, Any]
    erased: bool


class AuditOut(Body):
    """One act or one view: who, in which role, when, what, to what, why, by which request."""

    model_config = shown(
        {
            "id": SOME_ID,
            "at": "2026-11-20T09:30:00Z",
            "actor_id": OTHER_ID,
            "actor_role": "attendance_officer",
            "actor_name": "Aoife Byrne",
            "source": "api",
            "request_id": "b3f1a2c4",
            "action": "complete_task",
            "subject_kind": "task",
            "subject_id": SOME_ID,
            "student_id": OTHER_ID,
            "reason": None,
            "fields": ["result", "status"],
            "position": 1207,
            "hash": "9f2c",
            "changed": None,
        }
    )

    id: UUID
    at: datetime
    actor_id: UUID | None
    actor_role: str
    actor_name: str
    source: str
    request_id: str
    action: str = Field(description="What was done; in the view log the operation that answered.")
    subject_kind: str
    subject_id: UUID | None
    student_id: UUID | None
    reason: str | None
    fields: list[str] = Field(description="The names of the fields that changed.")
    position: int | None = Field(description="The place in the chain; null until it is sealed, and for views.")
    hash: str | None
    changed: ChangedOut | None = Field(default=None, description="With `details`: the values before and after.")

    @classmethod
    def of(cls, line: Line, detail: Detail | None) -> Self:
        return cls.model_validate(line).model_copy(update={"changed": None if detail is None else _changed(detail)})


def _changed(detail: Detail) -> ChangedOut:
    return ChangedOut(before=dict(detail.before), after=dict(detail.after), erased=not detail.salt)


class FindingOut(Body):
    """One place where the trail is not what was sealed; the kinds are explained in the guide."""

    fault: Fault
    position: int | None
    entry_id: UUID | None


class AcknowledgedRestoreOut(Body):
    """A stretch of the chain that was lost with a restored database, as a person acknowledged once."""

    number: int
    lost_first: int
    lost_last: int
    entry_id: UUID = Field(description="The entry that says so, with its reason.")
    person_id: UUID
    at: datetime

    @classmethod
    def of(cls, said: AcknowledgedRestore) -> Self:
        return cls(
            number=said.number,
            lost_first=said.agrees_to + 1,
            lost_last=said.lost_last,
            entry_id=said.entry_id,
            person_id=said.person_id,
            at=datetime.fromisoformat(said.at),
        )


class ChainOut(Body):
    """Whether anything was touched, how far the chain reaches, and what still waits for its seal."""

    model_config = shown(
        {
            "whole": True,
            "checked": 1207,
            "head_position": 1207,
            "head_hash": "9f2c",
            "anchors": 3,
            "unsealed": 2,
            "oldest_unsealed": "2026-11-20T09:29:59Z",
            "findings": [],
            "findings_left_off": 0,
            "restores": [],
        }
    )

    whole: bool
    checked: int
    head_position: int
    head_hash: str
    anchors: int
    unsealed: int
    oldest_unsealed: datetime | None
    findings: list[FindingOut]
    findings_left_off: int
    restores: list[AcknowledgedRestoreOut]

    @classmethod
    def of(cls, report: ChainReport, most: int) -> Self:
        listed = [FindingOut.model_validate(one) for one in report.findings[:most]]
        return cls(
            whole=report.whole,
            checked=report.checked,
            head_position=report.head.position,
            head_hash=report.head.hash,
            anchors=report.anchors,
            unsealed=report.unsealed,
            oldest_unsealed=report.oldest_unsealed,
            findings=listed,
            findings_left_off=len(report.findings) - len(listed),
            restores=[AcknowledgedRestoreOut.of(one) for one in report.restores],
        )
