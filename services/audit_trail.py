"""The audit trail and the view log as auditors read them: filtered, page by page, and whole as CSV."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.audit import StudentView
from models.queries import audit_trail
from models.queries.audit_trail import TrailFilter
from models.queries.keyset import Window
from models.session import Sessions
from rules import csv_lines
from rules.errors import NotFound
from services import audit
from services.audit import Act, Detail
from services.context import Actor

AT_ONCE: Final = 1000
ERASED: Final = Detail({}, {}, b"")


@dataclass(frozen=True, slots=True)
class Line:
    """One act, or one view: who, when, what, to what, why, and its place in the chain once it is sealed."""

    id: UUID
    key: str  # what the next page begins after
    at: datetime
    actor_id: UUID | None
    actor_role: str
    actor_name: str
    source: str
    request_id: str
    action: str
    subject_kind: str
    subject_id: UUID | None
    student_id: UUID | None
    reason: str | None = None
    fields: Sequence[str] = ()
    detail_id: UUID | None = None
    position: int | None = None
    hash: str | None = None
    before: Mapping[str, Any] | None = field(default=None, repr=False)
    after: Mapping[str, Any] | None = field(default=None, repr=False)


COLUMNS: Final = (
    "at",
    "actor_id",
    "actor_role",
    "actor_name",
    "source",
    "action",
    "subject_kind",
    "subject_id",
    "student_id",
    "reason",
    "fields",
    "request_id",
    "id",
    "position",
    "hash",
)


async def acts(session: AsyncSession, asked: TrailFilter, window: Window) -> list[Line]:
    """Audit entries, the latest first; one more than the page holds says that there is another."""
    return [_act(row) for row in await audit_trail.entries(session, asked, window)]


def _act(row: Any) -> Line:
    entry = row.AuditEntry
    return Line(
        id=entry.id,
        key=str(entry.seq),
        at=entry.at,
        actor_id=entry.actor_id,
        actor_role=entry.actor_role,
        actor_name=row.name,
        source=entry.source,
        request_id=entry.request_id,
        action=entry.verb,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        student_id=entry.student_id,
        reason=entry.reason,
        fields=sorted(entry.fields),
        detail_id=entry.detail_id,
        position=row.position,
        hash=row.hash,
    )


async def views(session: AsyncSession, asked: TrailFilter, window: Window) -> list[Line]:
    """The view log, the latest first."""
    return [_view(row) for row in await audit_trail.views(session, asked, window)]


def _view(row: StudentView) -> Line:
    return Line(
        id=row.id,
        key=str(row.id),
        at=row.at,
        actor_id=row.actor_id,
        actor_role=row.actor_role,
        actor_name=row.actor_display,
        source="api",
        request_id=row.request_id,
        action=row.operation,
        subject_kind="student",
        subject_id=row.student_id,
        student_id=row.student_id,
    )


async def opened(session: AsyncSession, tenant_id: UUID, lines: Sequence[Line]) -> dict[UUID, Detail]:
    """The values before and after, by entry; ERASED where the key was destroyed, nothing where there were none."""
    present = await audit_trail.details(session, [one.detail_id for one in lines if one.detail_id is not None])
    found: dict[UUID, Detail] = {}
    for one in lines:
        if one.detail_id is None:
            continue
        try:
            detail = await audit.opened(session, tenant_id, present[one.detail_id])
        except (KeyError, NotFound):  # tampered with: verification names it, reading goes on
            detail = None
        found[one.id] = detail or ERASED
    return found


async def note_export(session: AsyncSession, actor: Actor, asked: TrailFilter, kind: str, *, now: datetime) -> None:
    """Taking the trail out of Handrail is an act of its own."""
    said = {name: str(value) for name, value in asdict(asked).items() if value is not None and name != "never"}
    act = Act("export_audit", "audit", student_id=asked.student_id, after={"kind": kind, **said})
    await audit.record(session, actor, act, now=now)


async def exported(sessions: Sessions, tenant_id: UUID, asked: TrailFilter, kind: str) -> AsyncIterator[str]:
    """Everything asked for as CSV, read page by page while it is sent: no transaction stays open, nothing piles up."""
    yield csv_lines.line(COLUMNS)
    read, after = (views if kind == "views" else acts), None
    while True:
        async with sessions.tenant(tenant_id) as session:
            page = await read(session, asked, Window(AT_ONCE, after))
        yield "".join(_csv(one) for one in page[:AT_ONCE])
        if len(page) <= AT_ONCE:
            return
        after = [page[AT_ONCE - 1].key]


def _csv(one: Line) -> str:
    values = (getattr(one, name) for name in COLUMNS)
    return csv_lines.line(" ".join(value) if isinstance(value, list) else value for value in values)
