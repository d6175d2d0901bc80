"""Referrals: opened for each guardian by a rung, sent once all is ready, acknowledged, answered, or taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import KeyRing
from models.instances import Instance, Task
from models.queries import calendar
from models.queries.keyset import Window, paged
from models.referrals import Referral
from rules.errors import Conflict, Invalid, NotFound
from rules.ids import GuardianId, InstanceId, SchoolId, StudentId
from rules.ladder.commands import ReferralChange, ReferralChanged
from rules.ladder.stages import ReferredTo
from rules.referrals.readiness import WITH_THE_RECIPIENT, ReferralResult, ReferralState, ReferralWay
from services import evidence_packs, guardian_histories, referral_readiness, school_days, signals, tasks
from services.audit import Act, record
from services.case_tasks import NewTask, open_task
from services.context import Actor, CaseRef
from services.entitlement import linked_guardians
from services.evidence_packs import PreparePack
from services.means import Means
from services.referral_readiness import PACKS
from services.scopes import Scope
from services.tasks import CreateTask

PREPARE, AWAIT, ASK_RESULT, ASK_BACK = "prepare_referral", "await_referral", "ask_referral_result", "ask_referral_back"
LEADER: Final = "school_leader"
INTEREST: Final = "A referral is being prepared."
UNNAMED: Final = "the authority"
ACKNOWLEDGED_IN, ANSWERED_IN = 10, 20
"""School days after which staff ask the recipient."""


@dataclass(frozen=True, slots=True)
class OpenReferrals:
    """For which rung, to whom, and within how many school days."""

    stage_key: str
    recipient: str | None
    referred_to: ReferredTo
    within_school_days: int


@dataclass(frozen=True, slots=True)
class ReferralQuery:
    """Which referrals: within the caller's reach, perhaps of one student or in one state."""

    scope: Scope
    student_id: UUID | None = None
    status: ReferralState | None = None


@dataclass(frozen=True, slots=True)
class SendReferral:
    """That it goes out: with which pack, how, and on which local day."""

    referral_id: UUID
    pack_id: UUID
    way: ReferralWay
    on: date


@dataclass(frozen=True, slots=True)
class RecordAnswer:
    """What the recipient came to, on which local day."""

    referral_id: UUID
    result: ReferralResult
    on: date
    note: str


async def open_all(means: Means, case: CaseRef, wanted: OpenReferrals) -> Sequence[Referral]:
    """A referral and a drafted pack for each guardian who may be held liable, or of whom nobody has said; a retry goes
    on where it was. The rows come last: until then nothing is there to be sent.
    """
    async with means.sessions.tenant(case.tenant_id) as session:
        if found := await _of_key(session, case.key):
            return found
        case_id = (await session.scalars(select(Instance.case_id).where(Instance.id == case.instance_id))).one()
        people = await _people(session, case)
    for guardian_id in people:
        recipient = wanted.recipient or UNNAMED
        pack = PreparePack(case_id, PACKS[wanted.referred_to], guardian_id, recipient, INTEREST)
        await evidence_packs.draft(means, case, pack)
    async with means.sessions.tenant(case.tenant_id) as session:
        due = await school_days.day_after(session, case, wanted.within_school_days)
        for guardian_id in people:
            await _opened(session, case, wanted, (case_id, guardian_id, due))
        return await _of_key(session, case.key)


async def _of_key(session: AsyncSession, key: str) -> Sequence[Referral]:
    return (await session.scalars(select(Referral).where(Referral.effect_key == key).order_by(Referral.id))).all()


async def _people(session: AsyncSession, case: CaseRef) -> Sequence[GuardianId]:
    on = await school_days.today(session, case)
    views = await guardian_histories.of_student(session, case.student_id, on=on)
    spared = {one.view.guardian.id for one in views if one.liable is False}
    found = [one for one in await linked_guardians(session, case.student_id, on) if one not in spared]
    if not found:
        said = f"No guardian of student {case.student_id} may be held liable: look at their links, then try again."
        raise Conflict("nobody_to_refer", said)
    return [GuardianId(one) for one in found]


async def _opened(
    session: AsyncSession, case: CaseRef, wanted: OpenReferrals, of: tuple[UUID, GuardianId, date]
) -> None:
    case_id, guardian_id, due = of
    made = await session.scalar(
        insert(Referral)
        .values(
            student_id=case.student_id,
            school_id=case.school_id,
            case_id=case_id,
            instance_id=case.instance_id,
            guardian_id=guardian_id,
            stage_key=wanted.stage_key,
            effect_key=case.key,
            referred_to=wanted.referred_to,
            recipient=wanted.recipient or "",
            opened_at=case.now,
            due_on=due,
        )
        .on_conflict_do_nothing()
        .returning(Referral.id)
    )
    if made is None:
        return
    title = "Get a referral ready: explain what is counted, confirm the authority's history, release the papers"
    await open_task(session, case, NewTask(PREPARE, title, due, str(made), LEADER))
    after = {"guardian_id": str(guardian_id), "recipient": wanted.recipient}
    await record(
        session, case.actor, Act("open_referral", "referral", made, case.student_id, after=after), now=case.now
    )


async def listed(session: AsyncSession, asked: ReferralQuery, window: Window) -> Sequence[Referral]:
    """A page of referrals, the newest first."""
    wanted = select(Referral).where(*asked.scope.rows(Referral.school_id, Referral.student_id))
    for column, value in ((Referral.student_id, asked.student_id), (Referral.status, asked.status)):
        if value is not None:
            wanted = wanted.where(column == value)
    return (await session.scalars(paged(wanted, (Referral.id,), window, latest_first=True))).all()


async def get(session: AsyncSession, referral_id: UUID, *, lock: bool = False) -> Referral:
    """One referral."""
    found = await session.get(Referral, referral_id, with_for_update=lock)
    if found is None:
        raise NotFound("referral_not_found", f"There is no referral {referral_id} here.")
    return found


def case_of(actor: Actor, row: Referral, now: datetime) -> CaseRef:
    """The case of a referral, as services take it."""
    ids = (SchoolId(row.school_id), StudentId(row.student_id), InstanceId(row.instance_id))
    return CaseRef(actor.tenant_id, *ids, key=f"referral/{row.id}", now=now)


async def readdress(
    session: AsyncSession, actor: Actor, referral_id: UUID, recipient: str, reason: str, *, now: datetime
) -> Referral:
    """Say to whom it goes; the pack must be for the same recipient."""
    row = await _in(session, referral_id, ReferralState.PREPARING)
    before, row.recipient = row.recipient, recipient
    said = {"before": {"recipient": before}, "after": {"recipient": recipient}}
    await _kept(session, actor, row, Act("write_referral", "referral", row.id, row.student_id, reason, **said), now)
    return row


async def send(
    session: AsyncSession, keyring: KeyRing, actor: Actor, command: SendReferral, *, now: datetime
) -> Referral:
    """It goes out, everything looked at once more in the same second; refused with everything that is missing."""
    row = await _in(session, command.referral_id, ReferralState.PREPARING)
    await _day(session, row, command.on, await calendar.local_date(session, row.school_id, row.opened_at), now)
    missing = await referral_readiness.blockers_of(
        session, keyring, actor, (row, case_of(actor, row, now)), command.pack_id
    )
    if missing:
        told = [{"code": name.value, "says": says} for name, says in missing.items()]
        why = "; ".join(missing.values())
        raise Conflict("referral_not_ready", f"Referral {row.id} is not ready: {why}.", blockers=told)
    row.status, row.pack_id = ReferralState.SENT, command.pack_id
    row.sent_on, row.sent_by, row.sent_by_way = command.on, actor.person_id, command.way
    await _done(session, row, PREPARE, now)
    await _ask(session, actor, row, (AWAIT, "Ask whether a referral has arrived", ACKNOWLEDGED_IN), now)
    after = {"status": row.status, "pack_id": str(row.pack_id), "sent_on": command.on, "way": command.way}
    await _kept(session, actor, row, Act("send_referral", "referral", row.id, row.student_id, after=after), now)
    await _tell(session, row, ReferralChange.SENT, command.on)
    return row


async def acknowledge(
    session: AsyncSession, actor: Actor, referral_id: UUID, said: tuple[date, str | None], *, now: datetime
) -> Referral:
    """The recipient has it, perhaps under a reference of their own."""
    on, reference = said
    row = await _in(session, referral_id, ReferralState.SENT)
    await _day(session, row, on, row.sent_on, now)
    row.status, row.acknowledged_on, row.acknowledged_by = ReferralState.ACKNOWLEDGED, on, actor.person_id
    row.reference = reference
    await _done(session, row, AWAIT, now)
    await _ask(session, actor, row, (ASK_RESULT, "Ask what came of a referral", ANSWERED_IN), now)
    after = {"status": row.status, "acknowledged_on": on, "reference": reference}
    await _kept(session, actor, row, Act("acknowledge_referral", "referral", row.id, row.student_id, after=after), now)
    await _tell(session, row, ReferralChange.ACKNOWLEDGED, on)
    return row


async def answer(session: AsyncSession, actor: Actor, command: RecordAnswer, *, now: datetime) -> Referral:
    """What the recipient came to. A measure of an authority is recorded in the guardian's history beside it."""
    row = await _in(session, command.referral_id, *WITH_THE_RECIPIENT)
    await _day(session, row, command.on, row.acknowledged_on or row.sent_on, now)
    row.status, row.result, row.result_note = ReferralState.DECIDED, command.result, command.note or None
    row.result_on, row.result_by = command.on, actor.person_id
    for kind in (AWAIT, ASK_RESULT):
        await _done(session, row, kind, now)
    after = {"status": row.status, "result": row.result, "result_on": command.on, "note": row.result_note}
    await _kept(session, actor, row, Act("answer_referral", "referral", row.id, row.student_id, after=after), now)
    await _tell(session, row, ReferralChange.RESULT, command.on)
    return row


async def end(session: AsyncSession, actor: Actor, referral_id: UUID, reason: str, *, now: datetime) -> Referral:
    """Not sent, it is left out; with the recipient, it is asked back."""
    row = await _in(session, referral_id, ReferralState.PREPARING, *WITH_THE_RECIPIENT)
    change = ReferralChange.LEFT_OUT if row.status == ReferralState.PREPARING else ReferralChange.WITHDRAWN
    await _ended(session, actor, row, reason, now)
    await _tell(session, row, change, await calendar.local_date(session, row.school_id, now))
    return row


async def drop(session: AsyncSession, case: CaseRef, stage_keys: Sequence[str] | None, reason: str) -> int:
    """What is not sent is left out, of the whole case or of steps that are taken back; of those, what is with the
    recipient is asked back too. How many. The case knows already.
    """
    ends = {ReferralState.PREPARING} if stage_keys is None else {ReferralState.PREPARING, *WITH_THE_RECIPIENT}
    mine = select(Referral).where(Referral.instance_id == case.instance_id, Referral.status.in_(ends))
    if stage_keys is not None:
        mine = mine.where(Referral.stage_key.in_(stage_keys))
    rows = (await session.scalars(mine.order_by(Referral.id).with_for_update())).all()
    for row in rows:
        await _ended(session, case.actor, row, reason, case.now)
    return len(rows)


async def move(session: AsyncSession, instance: Instance) -> None:
    """Another school leads the case: what is with a recipient, and the tasks about it, are that school's now."""
    mine = update(Referral).where(Referral.instance_id == instance.id, Referral.status.in_(WITH_THE_RECIPIENT))
    there = {"school_id": instance.lead_school_id, "case_id": instance.case_id}
    moved = (await session.scalars(mine.values(**there).returning(Referral.id))).all()
    about = Task.details["subject"].as_string().in_([str(one) for one in moved])
    theirs = update(Task).where(Task.kind.in_((AWAIT, ASK_RESULT)), Task.status == "OPEN", about)
    await session.execute(theirs.values(**there, assignee_id=None))


async def _ended(session: AsyncSession, actor: Actor, row: Referral, reason: str, now: datetime) -> None:
    sent = row.status != ReferralState.PREPARING
    row.status = ReferralState.WITHDRAWN if sent else ReferralState.LEFT_OUT
    row.ended_at, row.ended_by, row.reason = now, actor.person_id, reason
    for kind in (PREPARE, AWAIT, ASK_RESULT):
        await _done(session, row, kind, now, "CANCELLED")
    if sent:
        title = "Tell the recipient that a referral is taken back, and ask for its papers"
        await _ask(session, actor, row, (ASK_BACK, title, 1), now)
    verb = "withdraw_referral" if sent else "leave_referral_out"
    act = Act(verb, "referral", row.id, row.student_id, reason, after={"status": row.status})
    await _kept(session, actor, row, act, now)


async def _in(session: AsyncSession, referral_id: UUID, *states: ReferralState) -> Referral:
    row = await get(session, referral_id, lock=True)
    if row.status not in states:
        wanted = " or ".join(states)
        raise Conflict("referral_state", f"Referral {row.id} is {row.status}, not {wanted}.", current=row.status)
    return row


async def _day(session: AsyncSession, row: Referral, on: date, first: date | None, now: datetime) -> None:
    today = await calendar.local_date(session, row.school_id, now)
    if not (first or on) <= on <= today:
        told = {"body.on": f"a day from {first} to {today}"}
        raise Invalid("referral_day", "The day lies before what came first, or in the future.", fields=told)


async def _kept(session: AsyncSession, actor: Actor, row: Referral, act: Act, now: datetime) -> None:
    row.revision += 1
    await session.flush()
    await record(session, actor, act, now=now)


async def _tell(session: AsyncSession, row: Referral, change: ReferralChange, on: date) -> None:
    said = ReferralChanged(referral_id=row.id, guardian_id=GuardianId(row.guardian_id), change=change, on=on)
    await signals.tell(session, [row.instance_id], "referral_changed", said)


async def _ask(session: AsyncSession, actor: Actor, row: Referral, wanted: tuple[str, str, int], now: datetime) -> None:
    kind, title, days = wanted
    # not the instance's: the recipient has it whatever becomes of the case, whose end cancels its own tasks
    task = CreateTask(
        kind=kind,
        title=title,
        school_id=row.school_id,
        student_id=row.student_id,
        case_id=row.case_id,
        role=LEADER,
        due_on=await school_days.day_after(session, case_of(actor, row, now), days),
        details={"subject": str(row.id)},
    )
    await tasks.create(session, actor, task, now=now)


async def _done(session: AsyncSession, row: Referral, kind: str, now: datetime, ended: str = "DONE") -> None:
    mine = update(Task).where(
        Task.kind == kind, Task.details["subject"].as_string() == str(row.id), Task.status == "OPEN"
    )
    values: dict[str, Any] = {"status": ended, "done_at": now}
    await session.execute(mine.values(**values))
