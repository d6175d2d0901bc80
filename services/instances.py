"""Instances as people see them: the queue, one walk with its timeline, and starting one by hand."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.duties import Duty
from models.guardians import Guardian
from models.instances import CaseFile, Event, Instance, Proposal
from models.people import School, SchoolClass
from models.queries import calendar, leading
from models.queries.keyset import Window, paged
from models.rulesets import LateTrip, RuleSet, RuleSetVersion
from models.students import Student
from rules.access.approvals import approver_for
from rules.errors import Conflict, NotFound
from rules.ladder.commands import Answer
from rules.ladder.stages import NEVER_AUTO, Approval, LadderSnapshot
from rules.ladder.words import Phase
from rules.rulesets.ruleset import ladder_snapshot, parse_ruleset
from services import audit, breakers, duties, outbox, people, schools
from services.audit import Act
from services.context import Actor
from services.facts import year_start
from services.scopes import Scope

PENDING = ("PENDING", "HELD")
OPEN = (*PENDING, "APPROVED")
# A case answers before its projection follows: until then the queue shows what it said
SHOWN = case((Proposal.answered_revision >= Instance.revision, Proposal.answered), else_=Proposal.status)
# Proposals that are no rung of the ladder, under the types that everything else shows
ASKS = {
    "EXIT": "EXIT_REVIEW",
    "RELAPSE": "FOLLOW_UP",
    "INCONCLUSIVE": "FOLLOW_UP",
    "EXTEND_MEETING": "MEETING",
}
TYPE = case(ASKS, value=Proposal.kind, else_=func.coalesce(Proposal.step["type"].as_string(), Proposal.stage_type))
NEVER = date(9999, 12, 31)
# Until when the law asks for something about the student, beside the step that waits
OWED = (
    select(func.min(Duty.due_on))
    .where(Duty.student_id == Instance.student_id, Duty.status == "OPEN")
    .correlate(Instance)
    .scalar_subquery()
)


class Risk(StrEnum):
    """What to know before deciding on a step."""

    SECOND_LOOK = "SECOND_LOOK"
    ON_HOLD = "ON_HOLD"
    KEPT = "KEPT"
    HELD_BACK = "HELD_BACK"
    BREAKER = "BREAKER"


RISKS: Mapping[Risk, ColumnElement[bool]] = {
    Risk.SECOND_LOOK: func.jsonb_array_length(func.coalesce(Proposal.step["flags"], text("'[]'::jsonb"))) > 0,
    Risk.ON_HOLD: SHOWN == "HELD",
    Risk.KEPT: Proposal.basis["kept"].as_boolean(),
    Risk.HELD_BACK: Proposal.step["held_back"].as_integer() > 0,
    Risk.BREAKER: breakers.HOLDING.is_not(None),
}


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """Which waiting steps: within the caller's reach, perhaps of one stage or one person."""

    scope: Scope
    stage_key: str | None = None
    assignee_id: UUID | None = None
    type: str | None = None
    due_by: date | None = None
    risks: Collection[Risk] = ()


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One waiting step with everything an approver needs to see."""

    proposal: Proposal
    instance: Instance
    student: Student
    class_name: str | None
    school_name: str
    shown: str
    breaker_id: UUID | None = None
    duty_due_on: date | None = None


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """One walk, its pending step, and what decides who may decide on it."""

    instance: Instance
    proposal: Proposal | None
    flagged: bool
    level: Approval
    breaker_id: UUID | None = None
    blocked_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class StartByHand:
    """Put a student on a ladder, with the reason; `reopened_from` when a closed walk is taken up again."""

    student_id: UUID
    school_id: UUID
    rule_set_key: str
    reason: str
    reopened_from: UUID | None = None


async def queue(session: AsyncSession, asked: QueueQuery, window: Window) -> Sequence[QueueRow]:
    """A page of the queue: students with an open duty first, by its deadline, then the most urgent steps."""
    wanted = _rows().where(Instance.closed_at.is_(None), *(RISKS[risk] for risk in asked.risks))
    wanted = wanted.where(*asked.scope.rows(Instance.lead_school_id, Instance.student_id))
    if asked.stage_key is not None:
        wanted = wanted.where(Proposal.stage_key == asked.stage_key)
    if asked.assignee_id is not None:
        wanted = wanted.where(Instance.assignee_id == asked.assignee_id)
    if asked.type is not None:
        wanted = wanted.where(TYPE.is_not_distinct_from(asked.type))
    if asked.due_by is not None:
        wanted = wanted.where(Proposal.due_on <= asked.due_by)
    due = func.coalesce(Proposal.due_on, literal(NEVER))
    order = (func.coalesce(OWED, literal(NEVER)), due, Proposal.id)
    return [QueueRow(*row) for row in await session.execute(paged(wanted, order, window))]


def _rows() -> Select[Proposal, Instance, Student, str | None, str, str, UUID, date | None]:
    return (
        select(Proposal, Instance, Student, SchoolClass.name, School.name, SHOWN, breakers.HOLDING, OWED)
        .join(Instance, Instance.id == Proposal.instance_id)
        .join(Student, Student.id == Instance.student_id)
        .join(School, School.id == Instance.lead_school_id)
        .outerjoin(SchoolClass, SchoolClass.id == Student.class_id)
        .where(Proposal.status.in_(OPEN), SHOWN.in_(PENDING))
    )


async def guardian_names(session: AsyncSession, rows: Sequence[QueueRow]) -> dict[UUID, str]:
    """The names of the recipients that these steps would write to."""
    ids = {UUID(one["guardian_id"]) for row in rows for one in row.proposal.step.get("recipients", [])}
    found = await session.execute(select(Guardian.id, Guardian.name).where(Guardian.id.in_(ids)))
    return {guardian_id: name for guardian_id, name in found}  # noqa: C416  # rows are not pairs to mypy


async def waiting(session: AsyncSession, instance_id: UUID) -> QueueRow | None:
    """The waiting step of one instance, as the queue shows it."""
    row = (await session.execute(_rows().where(Proposal.instance_id == instance_id))).one_or_none()
    return None if row is None else QueueRow(*row)


async def get(session: AsyncSession, instance_id: UUID) -> Instance:
    """One instance."""
    found = await session.get(Instance, instance_id)
    if found is None:
        raise NotFound("instance_not_found", f"There is no instance {instance_id} here.")
    return found


async def file(session: AsyncSession, instance_id: UUID, *, on: date) -> InstanceFile:
    """One instance with its pending step and the approval that step needs today."""
    instance = await get(session, instance_id)
    mine = select(Proposal).where(Proposal.instance_id == instance_id, Proposal.status.in_(PENDING))
    proposal = await session.scalar(mine)
    flagged = await people.flagged(session, instance.student_id, on=on)
    level = Approval.STAFF
    if proposal is not None:
        # a flag that was there when the step was proposed has raised its approval already
        newly = flagged and not proposal.step.get("flags")
        level = approver_for(Approval(proposal.approval), flagged=newly)
    held_by = None if proposal is None else await breakers.holding(session, proposal.id)
    hard = proposal is not None and (proposal.step.get("type") in NEVER_AUTO or bool(proposal.step.get("statutory")))
    blocked_by = await duties.blocking(session, instance.student_id) if hard else None
    return InstanceFile(instance, proposal, flagged, level, held_by, blocked_by)


async def of_student(session: AsyncSession, student_id: UUID) -> Sequence[Instance]:
    """All walks of a student, the latest first."""
    wanted = select(Instance).where(Instance.student_id == student_id).order_by(Instance.id.desc())
    return (await session.scalars(wanted)).all()


async def timeline(session: AsyncSession, instance_id: UUID, window: Window) -> Sequence[Event]:
    """A page of what happened, in order."""
    wanted = select(Event).where(Event.instance_id == instance_id)
    return (await session.scalars(paged(wanted, (Event.occurred_at, Event.id), window))).all()


async def late_trips(session: AsyncSession, scope: Scope, window: Window) -> Sequence[LateTrip]:
    """A page of conditions that a late correction made true for a past day only; they start nothing."""
    wanted = select(LateTrip).where(*scope.rows(LateTrip.school_id, LateTrip.student_id))
    return (await session.scalars(paged(wanted, (LateTrip.id,), window))).all()


async def answered(session: AsyncSession, instance_id: UUID, answer: Answer) -> None:
    """Let the queue show at once what a case has answered; the projection that follows speaks for itself."""
    stands = "HELD" if answer.phase == Phase.ON_HOLD else "PENDING"
    if answer.phase == Phase.ACTING or not answer.verbs:  # agreed to, or the case is about to close
        stands = "GONE"
    mine = update(Proposal).where(Proposal.instance_id == instance_id, Proposal.status.in_(OPEN))
    said = case((Proposal.id == answer.proposal_id, stands), else_="GONE")
    await session.execute(mine.values(answered=said, answered_revision=answer.revision))


async def start_by_hand(session: AsyncSession, actor: Actor, command: StartByHand, *, now: datetime) -> Instance:
    """Open an instance under a rule set's active version; the outbox row starts its case even if Temporal is away."""
    version = await _active(session, command.rule_set_key)
    school = await schools.of_id(session, command.school_id)
    await schools.refuse_without_calendar(session, school.id)
    await _refuse_beside_the_lead(session, command, on=await calendar.local_date(session, school.id, now))
    case_id = await _case(session, command)
    today = await calendar.local_date(session, school.id, now)
    begins = year_start(school.year_start, today)
    made: UUID | None = await session.scalar(
        insert(Instance)
        .values(
            school_year=f"{begins.year}-{(begins.year + 1) % 100:02d}",
            student_id=command.student_id,
            lead_school_id=command.school_id,
            case_id=case_id,
            rule_set_key=command.rule_set_key,
            rule_set_version_id=version.id,
            digest=version.digest,
            entry_date=today,
            entry_reason=command.reason,
            opened_by=actor.person_id,
            reopened_from=command.reopened_from,
            started_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Instance.id)
    )
    if made is None:
        raise await _already_open(session, command)
    await outbox.enqueue(session, "instance.start", str(made), {"instance_id": str(made)})
    verb = "reopen_instance" if command.reopened_from else "start_instance"
    act = Act(verb, "instance", made, command.student_id, command.reason, after={"digest": version.digest})
    await audit.record(session, actor, act, now=now)
    return await get(session, made)


async def _refuse_beside_the_lead(session: AsyncSession, command: StartByHand, *, on: date) -> None:
    """One family-facing ladder per student and key, led where the student is registered in full (ladder.md)."""
    asked = {"student": command.student_id, "school": command.school_id, "key": command.rule_set_key, "day": on}
    found = (await session.execute(leading.BESIDE, asked)).one()
    if found.lead_school_id is not None:
        raise Conflict(
            "school_does_not_lead",
            f"School {command.school_id} has the student as a guest; school {found.lead_school_id} leads: start there.",
            current=str(found.lead_school_id),
        )
    if found.coming_id is not None:
        raise Conflict(
            "transfer_pending",
            f"Instance {found.coming_id} comes with the student from the school before: choose how it goes on.",
            current=str(found.coming_id),
        )


async def _active(session: AsyncSession, key: str) -> RuleSetVersion:
    wanted = select(RuleSetVersion).join(RuleSet, RuleSet.id == RuleSetVersion.rule_set_id)
    found = await session.scalar(wanted.where(RuleSet.key == key, RuleSetVersion.status == "ACTIVE"))
    if found is None:
        raise NotFound("ruleset_not_active", f"No version of the rule set {key} is active; activate one first.")
    return found


async def _case(session: AsyncSession, command: StartByHand) -> UUID:
    """The student's open case at the school, a resolved one taken up again with a closed walk, or a new one."""
    if command.reopened_from is not None:
        earlier = await get(session, command.reopened_from)
        await session.execute(
            update(CaseFile)
            .where(CaseFile.id == earlier.case_id)
            .values(status="OPEN", resolved_at=None, resolved_by=None, resolution=None)
        )
        return earlier.case_id
    where = {"student_id": command.student_id, "school_id": command.school_id}
    await session.execute(insert(CaseFile).values(**where).on_conflict_do_nothing())
    mine = select(CaseFile.id).where(
        CaseFile.student_id == command.student_id,
        CaseFile.school_id == command.school_id,
        CaseFile.status == "OPEN",
    )
    return (await session.scalars(mine)).one()


async def _already_open(session: AsyncSession, command: StartByHand) -> Conflict:
    open_one = select(Instance.id).where(
        Instance.student_id == command.student_id,
        Instance.lead_school_id == command.school_id,
        Instance.rule_set_key == command.rule_set_key,
        Instance.closed_at.is_(None),
    )
    found = await session.scalar(open_one)
    return Conflict(
        "instance_open",
        f"The student is already on the ladder {command.rule_set_key}: see instance {found}.",
        current=str(found),
    )


async def snapshot(session: AsyncSession, instance: Instance, version_id: UUID) -> LadderSnapshot:
    """The rungs of another version of the instance's own rule set."""
    version = await session.get(RuleSetVersion, version_id)
    ruleset = None if version is None else parse_ruleset(version.content)
    if version is None or ruleset is None or ruleset.key != instance.rule_set_key:
        raise NotFound(
            "ruleset_not_found", f"There is no version {version_id} of the rule set {instance.rule_set_key} here."
        )
    if version.status not in {"ACTIVE", "RETIRED"}:
        raise Conflict("ruleset_state", f"Version {version_id} is {version.status}; apply one that was activated.")
    return ladder_snapshot(ruleset, version.version)
