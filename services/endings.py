"""Taking steps back, and closing a case: nothing pending is left, history stays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Message
from models.instances import Task
from models.letters import LetterArtifact
from models.meetings import Meeting
from models.queries import calendar
from models.queries import meetings as bookings
from rules.ladder.commands import Command
from services import delivery, letters, plans, referrals
from services.audit import Act, record
from services.contacts import CONTACT_TASK
from services.context import Actor, CaseRef
from services.delivery import PRINT_AND_POST, TELL_BY_PHONE
from services.effects import once
from services.escalations import close_of_stages
from services.letter_merge import Writing
from services.letters import Planned, Wish
from services.mailing import RESCISSION
from services.means import Means
from services.people import display_name

TEMPLATE: Final = "RESCISSION"
TAKES_BACK: Final = Wish(TEMPLATE, kind=RESCISSION)
WAITING: Final = ("QUEUED", "DEFERRED_QUIET_HOURS", "CAPPED", "FAILED")
GOT_IT: Final = ("SENT", "DELIVERED")
NOBODY_MORE: Final = frozenset({"DECEASED", "STUDENT_REMOVED"})


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The rungs and letters that are taken back, and who decided it."""

    stage_keys: tuple[str, ...]
    artifact_ids: tuple[UUID, ...]
    by: Command


async def rescind(means: Means, case: CaseRef, wanted: TakeBack) -> int:
    """Mark, withdraw, and tell everybody who got a letter, once each for all steps together; how many are told."""
    async with means.sessions.tenant(case.tenant_id) as session:
        await _take_back(session, case, wanted)
        got = await who_got(session, case, wanted.artifact_ids)
        planned: Sequence[Planned] = ()
        if got:
            wish = replace(TAKES_BACK, only=frozenset(got))
            planned = await letters.plan(session, case, wish)
    for one in planned:
        writing = Writing(
            one.guardian_id, one.language, extra={"previous_letter_date": got[one.guardian_id].isoformat()}
        )
        own = replace(case, key=f"{case.key}/{one.guardian_id}")
        issued = await letters.issue(means, replace(own, key=f"{own.key}/issue"), one.message_id, writing)
        await delivery.deliver(means, replace(own, key=f"{own.key}/deliver"), issued.artifact_id)
        async with means.sessions.tenant(case.tenant_id) as session:
            theirs = update(LetterArtifact).where(
                LetterArtifact.id.in_(wanted.artifact_ids), LetterArtifact.guardian_id == one.guardian_id
            )
            await session.execute(theirs.values(superseded_by=issued.artifact_id))
    return len(planned)


async def _take_back(session: AsyncSession, case: CaseRef, wanted: TakeBack) -> None:
    if not await once(session, case.key, "rescind_steps"):
        return
    mine = update(LetterArtifact).where(
        LetterArtifact.id.in_(wanted.artifact_ids), LetterArtifact.rescinded_at.is_(None)
    )
    await session.execute(mine.values(rescinded_at=case.now))
    waiting = update(Message).where(Message.artifact_id.in_(wanted.artifact_ids), Message.status.in_(WAITING))
    await session.execute(waiting.values(status="SUPERSEDED", withheld_reason="rescinded"))
    prints = update(Task).where(
        Task.kind == PRINT_AND_POST,
        Task.status == "OPEN",
        Task.details["artifact_id"].as_string().in_([str(one) for one in wanted.artifact_ids]),
    )
    await session.execute(prints.values(status="CANCELLED", done_at=case.now))
    await close_of_stages(session, case, wanted.stage_keys, case.now)
    await plans.drop_drafts(session, case, wanted.stage_keys, "rescinded")
    await referrals.drop(session, case, wanted.stage_keys, "rescinded")
    by = wanted.by
    name = await display_name(session, by.actor_id, by.role or "Handrail")
    actor = Actor(case.tenant_id, by.actor_id, by.role or "system", name, by.command_id, "workflow")
    act = Act("rescind_steps", "instance", case.instance_id, case.student_id, by.reason or None)
    await record(session, actor, act, now=case.now)


async def who_got(session: AsyncSession, case: CaseRef, artifact_ids: Sequence[UUID]) -> dict[UUID, date]:
    """Who got one of these letters, and the day of the first one: those who hear when it is taken back."""
    got = select(Message).where(Message.artifact_id.in_(artifact_ids), Message.status.in_(GOT_IT))
    days: dict[UUID, date] = {}
    for message in (await session.scalars(got.order_by(Message.id))).all():
        written = message.data.get("merge", {}).get("letter_date")
        day = date.fromisoformat(written) if written else message.effective_day
        day = day or await calendar.local_date(session, case.school_id, case.now)
        days[message.guardian_id] = min(day, days.get(message.guardian_id, day))
    return days


async def close(session: AsyncSession, case: CaseRef, status: str, reason: str | None) -> None:
    """Close what is open of the instance, once per key. A letter that takes another one back still goes out."""
    if not await once(session, case.key, "close_case"):
        return
    kept = [] if reason in NOBODY_MORE else await _rescissions(session, case)
    await _cancel(session, case, kept, "case_closed")
    await _give_slots_back(session, case)
    await plans.drop_drafts(session, case, None, "case_closed")
    await referrals.drop(session, case, None, "case_closed")
    act = Act("close_case", "instance", case.instance_id, case.student_id, reason, after={"status": status})
    await record(session, case.actor, act, now=case.now)


async def put_away(session: AsyncSession, case: CaseRef, why: str) -> None:
    """Nothing that still waits to be sent goes out, but what takes a letter back; tasks that go with it end."""
    kept = await _rescissions(session, case)
    await _cancel(session, case, kept, why, Task.kind.in_((PRINT_AND_POST, TELL_BY_PHONE, CONTACT_TASK)))
    await plans.drop_drafts(session, case, None, why)
    await referrals.drop(session, case, None, why)


async def _cancel(
    session: AsyncSession, case: CaseRef, kept: Sequence[UUID], why: str, *which: ColumnElement[bool]
) -> None:
    tasks = update(Task).where(Task.instance_id == case.instance_id, Task.status == "OPEN", *which)
    message_id = Task.details["message_id"].as_string()
    spared = or_(message_id.is_(None), message_id.not_in([str(one) for one in kept]))
    await session.execute(tasks.where(spared).values(status="CANCELLED", done_at=case.now))
    messages = update(Message).where(
        Message.instance_id == case.instance_id, Message.status.in_(WAITING), Message.id.not_in(kept)
    )
    await session.execute(messages.values(status="CANCELLED", withheld_reason=why))


async def _rescissions(session: AsyncSession, case: CaseRef) -> list[UUID]:
    mine = select(Message.id).where(Message.instance_id == case.instance_id, Message.kind == RESCISSION)
    return list((await session.scalars(mine)).all())


async def _give_slots_back(session: AsyncSession, case: CaseRef) -> None:
    mine = select(Meeting).where(Meeting.instance_id == case.instance_id, Meeting.status.in_(("PROPOSED", "SCHEDULED")))
    for meeting in (await session.scalars(mine.with_for_update())).all():
        meeting.status = "CANCELLED"
        await bookings.free(session, meeting.id)
