"""What a meeting decided, carried out in one transaction: status, exemption, tasks, the slot given back."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from models.instances import Task
from models.meetings import Meeting, MeetingAttendee
from models.queries import calendar
from models.students import Exemption
from rules.errors import Conflict, NotFound
from rules.ladder.commands import RecordMeetingOutcome
from rules.meetings.outcomes import (
    NO_SHOW_DECISION_SCHOOL_DAYS,
    SUPPORT_PLAN_REVIEW_SCHOOL_DAYS,
    SUPPORT_PLAN_WITHIN_SCHOOL_DAYS,
    MeetingStatus,
    NoShow,
    Outcome,
    status_after,
)
from services import plans, school_days
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import Actor, CaseRef
from services.effects import once
from services.invitations import release
from services.plans import OpenPlan

ASKED = "record_meeting_outcome"
RESERVED = timedelta(seconds=15)  # longer than a case may take to answer
UNHELD = frozenset({MeetingStatus.PROPOSED, MeetingStatus.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome as recorded; `counted` = a no-show that counts."""

    meeting_id: UUID
    outcome: RecordMeetingOutcome
    counted: bool


async def apply(session: AsyncSession, case: CaseRef, decided: Decided) -> date:
    """Write what was decided, once per key; the local day it counts from."""
    meeting = await session.get(Meeting, decided.meeting_id, with_for_update=True, populate_existing=True)
    if meeting is None:
        raise NotFound("meeting_not_found", f"There is no meeting {decided.meeting_id} here.")
    on = await _counts_from(session, case, decided.outcome)
    if not await once(session, case.key, "apply_outcome"):
        return on
    said = decided.outcome
    actor = Actor(case.tenant_id, said.actor_id, said.role or "system", said.role, said.command_id, "workflow")
    await write(session, actor, meeting, said, now=case.now)
    meeting.data = {**meeting.data, "counted": decided.counted}
    if MeetingStatus(meeting.data["was"]) in UNHELD and meeting.status == MeetingStatus.CANCELLED:
        await release(session, case, meeting)
    await _follow(session, case, meeting, said, on)
    await _close_question(session, case, decided)
    return on


async def reserve(session: AsyncSession, meeting: Meeting, key: str, *, now: datetime) -> None:
    """Let one of two people who saw the same meeting speak for it; whoever speaks next is a little late."""
    held = meeting.data.get("reserved")
    if held and held["key"] != key and datetime.fromisoformat(held["until"]) > now:
        raise Conflict(
            "outcome_being_recorded",
            f"Somebody is recording what came of meeting {meeting.id} this moment: read it again, then decide.",
        )
    meeting.data = {**meeting.data, "reserved": {"key": key, "until": (now + RESERVED).isoformat()}}
    await session.flush()


async def give_back(session: AsyncSession, meeting_id: UUID, key: str) -> None:
    """The case refused what was said: the next may speak."""
    meeting = await session.get_one(Meeting, meeting_id, with_for_update=True, populate_existing=True)
    if (meeting.data.get("reserved") or {}).get("key") == key:
        meeting.data = {name: value for name, value in meeting.data.items() if name != "reserved"}
        await session.flush()


async def _counts_from(session: AsyncSession, case: CaseRef, said: RecordMeetingOutcome) -> date:
    if said.held_at is None:
        return await school_days.today(session, case)
    return await calendar.local_date(session, case.school_id, said.held_at)


async def write(
    session: AsyncSession, actor: Actor, meeting: Meeting, said: RecordMeetingOutcome, *, now: datetime
) -> None:
    """What was said of the meeting, once per command: the API writes it after the case's yes, or else the case."""
    if meeting.data.get("outcome_command") == said.command_id:
        return
    was = MeetingStatus(meeting.status)
    meeting.status = _status(was, said)
    meeting.held_at = said.held_at or (now if meeting.status == MeetingStatus.HELD else None)
    meeting.outcome_code = said.outcome
    meeting.outcome_notes = said.reason or None
    meeting.created_by = meeting.created_by or said.actor_id
    meeting.revision += 1
    meeting.data = {
        **{name: value for name, value in meeting.data.items() if name != "reserved"},
        "was": was.value,
        "outcome_command": said.command_id,
        "outcome_by": str(said.actor_id) if said.actor_id else None,
        "no_show": said.no_show,
        "other_mode_offered": said.other_mode_offered,
        "notes_id": str(said.notes_id) if said.notes_id else None,
    }
    if said.outcome is Outcome.NO_SHOW:
        absent = "GUARDIAN" if said.no_show is NoShow.FAMILY else "STAFF"
        mine = update(MeetingAttendee).where(MeetingAttendee.meeting_id == meeting.id, MeetingAttendee.kind == absent)
        await session.execute(mine.values(attended=False))
    await session.flush()
    act = Act(
        "record_meeting_outcome",
        "meeting",
        meeting.id,
        meeting.student_id,
        said.reason or None,
        before={"status": was.value},
        after={"status": meeting.status, "outcome": said.outcome.value},
    )
    await record(session, actor, act, now=now)


def _status(was: MeetingStatus, said: RecordMeetingOutcome) -> MeetingStatus:
    """A no-show stays one when it is moved or escalated; a meeting that was held and escalates was held."""
    after = status_after(said.outcome)
    if after is not MeetingStatus.CANCELLED:
        return after
    if said.held_at is not None:
        return MeetingStatus.HELD
    return was if was is MeetingStatus.NO_SHOW else after


async def _follow(session: AsyncSession, case: CaseRef, meeting: Meeting, said: RecordMeetingOutcome, on: date) -> None:
    match said.outcome:
        case Outcome.MEDICAL_PLAN:
            session.add(
                Exemption(
                    student_id=case.student_id,
                    scope="hold",
                    kind="MEDICAL_PLAN",
                    reason="A medical plan was agreed at a meeting.",
                    starts_on=on,
                    ends_on=said.until,
                    review_on=said.until,
                    set_by=said.actor_id,
                )
            )
            await session.flush()
        case Outcome.SUPPORT_PLAN:
            title = "Look at the support plan together with the family"
            await _ask(session, case, meeting, ("support_plan_follow_up", title), SUPPORT_PLAN_REVIEW_SCHOOL_DAYS)
            wanted = OpenPlan(SUPPORT_PLAN_WITHIN_SCHOOL_DAYS, meeting.stage_key, meeting.id)
            await plans.open_plan(session, case, wanted)
        case Outcome.NO_SHOW:
            title = "Nobody met: offer another time or way, or escalate"
            await _ask(session, case, meeting, ("reschedule_or_escalate", title), NO_SHOW_DECISION_SCHOOL_DAYS)


async def _ask(
    session: AsyncSession, case: CaseRef, meeting: Meeting, wanted: tuple[str, str], school_days_left: int
) -> None:
    kind, title = wanted
    due = await school_days.day_after(session, case, school_days_left)
    await open_task(session, case, NewTask(kind, title, due, str(meeting.id), "attendance_officer"))


async def _close_question(session: AsyncSession, case: CaseRef, decided: Decided) -> None:
    """The tasks that asked for this outcome, or for what to do after a no-show, are answered."""
    answered = [ASKED] if decided.outcome.outcome is Outcome.NO_SHOW else [ASKED, "reschedule_or_escalate"]
    await session.execute(
        update(Task)
        .where(Task.instance_id == case.instance_id, Task.kind.in_(answered), Task.status == "OPEN")
        .where(Task.details["subject"].as_string() == str(decided.meeting_id))
        .values(status="DONE", done_by=decided.outcome.actor_id, done_at=case.now)
    )
