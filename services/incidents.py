"""Incidents ("went to the wrong person"): recalled at once, 72 hours for the regulator, closed only with answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.letters import LetterArtifact
from models.people import Person
from models.privacy import Incident
from models.queries import calendar
from models.queries.keyset import Window, paged
from rules.errors import Conflict, Invalid, NotFound
from rules.privacy.incidents import IncidentKind, RegulatorDecision, clock_ends, recall_text
from services import contact_stops, schools, tasks
from services.audit import Act, record
from services.contact_stops import WAITING, SetContactStop, StopCause, SubjectKind
from services.context import Actor
from services.delivery import withdraw_prints
from services.scopes import Scope
from services.tasks import CreateTask

WITHHELD_AS: Final = "incident"


@dataclass(frozen=True, slots=True)
class ReportIncident:
    """What went wrong with which message or document; `wrong_guardian_id` if the wrong person is a guardian we know."""

    kind: IncidentKind
    student_id: UUID
    school_id: UUID
    happened: str
    noticed_at: datetime
    message_id: UUID | None = None
    artifact_id: UUID | None = None
    wrong_guardian_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CloseIncident:
    """How it ended: the regulator, the family, what came of the recall; each with its reason."""

    incident_id: UUID
    regulator: RegulatorDecision
    regulator_reason: str
    family_told_at: datetime | None
    family_reason: str
    outcome: str
    regulator_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents: what the caller reaches, perhaps in one state or of one student."""

    scope: Scope
    status: str | None = None
    student_id: UUID | None = None


@dataclass(slots=True)
class _Recalled:
    """What was stopped, by id, as the incident remembers it."""

    messages: list[str] = field(default_factory=list)
    contact_stop_id: str | None = None

    def kept(self) -> dict[str, Any]:
        return {"messages_cancelled": self.messages, "contact_stop_id": self.contact_stop_id}


async def report(session: AsyncSession, actor: Actor, command: ReportIncident, *, now: datetime) -> Incident:
    """Stop what still can be stopped, start the clock, propose the letter of recall and open the tasks; at once."""
    if command.noticed_at > now:
        raise Invalid("noticed_later", "An incident is noticed before it is reported.", fields={"noticed_at": "past"})
    message = await _message(session, command)
    recalled = await _recall(session, actor, command, now)
    row = Incident(
        kind=command.kind.value,
        status="OPEN",
        student_id=command.student_id,
        school_id=command.school_id,
        message_id=command.message_id,
        artifact_id=command.artifact_id or (message.artifact_id if message else None),
        wrong_guardian_id=command.wrong_guardian_id,
        happened=command.happened,
        noticed_at=command.noticed_at,
        clock_ends_at=clock_ends(command.noticed_at),
        reported_by=actor.person_id,
        recalled=recalled.kept(),
        recall_text=await _letter(session, actor, command, message),
    )
    session.add(row)
    await session.flush()
    act = Act(
        verb="report_incident",
        subject_kind="incident",
        subject_id=row.id,
        student_id=row.student_id,
        reason=row.kind,
        after={"kind": row.kind, "recalled": recalled.kept()},
    )
    await record(session, actor, act, now=now)
    await _open_tasks(session, actor, row, now)
    return row


async def _message(session: AsyncSession, command: ReportIncident) -> Message | None:
    for table, wanted in ((Message, command.message_id), (LetterArtifact, command.artifact_id)):
        found: Any = await session.get(table, wanted) if wanted else None
        if wanted and (found is None or found.student_id != command.student_id):
            raise NotFound("not_this_student", f"Nothing with the id {wanted} belongs to student {command.student_id}.")
    return await session.get(Message, command.message_id) if command.message_id else None


async def _recall(session: AsyncSession, actor: Actor, command: ReportIncident, now: datetime) -> _Recalled:
    """Messages of the document that have not left stay here, prints are withdrawn, the wrong person gets no more."""
    done = _Recalled()
    named = [Message.id == command.message_id] if command.message_id else []
    named += [Message.artifact_id == command.artifact_id] if command.artifact_id else []
    if named:
        waiting = update(Message).where(or_(*named), Message.status.in_(WAITING))
        cancelled = await session.scalars(
            waiting.values(status="CANCELLED", withheld_reason=WITHHELD_AS).returning(Message.id)
        )
        stopped = cancelled.all()
        await withdraw_prints(session, stopped, now=now)
        done.messages = sorted(str(one) for one in stopped)
    if command.wrong_guardian_id is not None:
        stop = SetContactStop(SubjectKind.GUARDIAN, command.wrong_guardian_id, StopCause.WRONG_PERSON)
        done.contact_stop_id = str((await contact_stops.put(session, actor, stop, now=now)).id)
    return done


async def _letter(session: AsyncSession, actor: Actor, command: ReportIncident, message: Message | None) -> str:
    school = await schools.of_id(session, command.school_id)
    who = await session.get(Person, actor.person_id) if actor.person_id else None
    sent_at = message.sent_at if message and message.sent_at else command.noticed_at
    zone = await calendar.time_zone(session, command.school_id)
    return recall_text(
        school_name=school.name,
        sent_on=sent_at.astimezone(zone).date(),
        contact_name=who.display_name if who else school.name,
        contact_phone=(who.phone if who else None) or str(school.settings.get("phone", "")),
    )


async def _open_tasks(session: AsyncSession, actor: Actor, row: Incident, now: datetime) -> None:
    due_on = await calendar.local_date(session, row.school_id, row.clock_ends_at)
    today = await calendar.local_date(session, row.school_id, now)
    for kind, title, role, day in (
        ("INCIDENT_ASSESS", "Decide within 72 hours whether the regulator must be told", "dpo", due_on),
        (
            "INCIDENT_RECALL",
            "Get it back, or have it deleted: ring, then send the recall letter",
            "school_leader",
            today,
        ),
        ("INCIDENT_FAMILY", "Tell the family what happened, or write down why not", "safeguarding_lead", due_on),
    ):
        task = CreateTask(
            kind=kind,
            title=title,
            school_id=row.school_id,
            student_id=row.student_id,
            role=role,
            due_on=day,
            details={"incident_id": str(row.id)},
        )
        await tasks.create(session, actor, task, now=now)


async def get(session: AsyncSession, incident_id: UUID, *, lock: bool = False) -> Incident:
    """One incident."""
    found = await session.get(Incident, incident_id, with_for_update=lock)
    if found is None:
        raise NotFound("incident_not_found", f"There is no incident {incident_id} here.")
    return found


async def listed(session: AsyncSession, asked: IncidentQuery, window: Window) -> Sequence[Incident]:
    """A page of incidents, the one whose clock ends first at the top."""
    wanted = select(Incident).where(*asked.scope.rows(Incident.school_id, Incident.student_id))
    for column, value in ((Incident.status, asked.status), (Incident.student_id, asked.student_id)):
        if value is not None:
            wanted = wanted.where(column == value)
    return (await session.scalars(paged(wanted, (Incident.clock_ends_at, Incident.id), window))).all()


async def close(session: AsyncSession, actor: Actor, command: CloseIncident, *, now: datetime) -> Incident:
    """Close it with every answer given; told later than 72 hours, the reason has to say why (Art. 33(1))."""
    row = await get(session, command.incident_id, lock=True)
    if row.status != "OPEN":
        raise Conflict("incident_closed", f"Incident {row.id} was closed before.")
    if command.regulator is RegulatorDecision.TOLD and command.regulator_at is None:
        wanted = {"regulator_at": "when the regulator was told"}
        raise Invalid("regulator_when", "Say when the regulator was told.", fields=wanted)
    row.status, row.closed_at, row.closed_by = "CLOSED", now, actor.person_id
    row.regulator, row.regulator_at = command.regulator.value, command.regulator_at
    row.regulator_reason = command.regulator_reason
    row.family_told_at, row.family_reason, row.outcome = command.family_told_at, command.family_reason, command.outcome
    await session.flush()
    act = Act(
        verb="close_incident",
        subject_kind="incident",
        subject_id=row.id,
        student_id=row.student_id,
        reason=command.outcome,
        before={"status": "OPEN"},
        after={"status": "CLOSED", "regulator": row.regulator},
    )
    await record(session, actor, act, now=now)
    return row
