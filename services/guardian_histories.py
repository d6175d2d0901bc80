"""An authority's history of each guardian: recorded whole, in force once a second person confirms it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.guardians import GuardianHistory
from rules.errors import Conflict, Forbidden, Invalid
from services import guardian_links
from services.audit import Act, record
from services.context import Actor
from services.guardian_links import LinkView

PENALTY_NOTICE: Final = "penalty_notice"
CAP_YEARS: Final = 3
"""The rolling years in which an English parent gets at most two notices for one child (facts/statutes.md)."""


@dataclass(frozen=True, slots=True)
class AuthorityEvent:
    """One thing an authority did about a guardian and a student; an unpaid notice counts, a withdrawn one does not."""

    kind: str
    on: date
    reference: str | None
    withdrawn: bool

    def stored(self) -> dict[str, Any]:
        """As the row keeps it."""
        return {"kind": self.kind, "on": self.on.isoformat(), "reference": self.reference, "withdrawn": self.withdrawn}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "AuthorityEvent":
        """From what the row keeps."""
        return cls(told["kind"], date.fromisoformat(told["on"]), told["reference"], told["withdrawn"])


@dataclass(frozen=True, slots=True)
class RecordHistory:
    """All that the authority has done about this guardian and this student, and where that was read."""

    student_id: UUID
    guardian_id: UUID
    events: Sequence[AuthorityEvent]
    source: str
    checked_on: date
    reason: str


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A guardian of a student and their history, if one was ever recorded."""

    view: LinkView
    history: GuardianHistory | None

    @property
    def confirmed(self) -> bool:
        """Whether rules count by it."""
        return self.history is not None and self.history.confirmed_at is not None

    @property
    def liable(self) -> bool | None:
        """Whether they may be held liable; None: nobody has said, so that their history is asked for too."""
        return self.view.link.may_be_held_liable if self.view.link else None

    def events(self) -> list[AuthorityEvent]:
        """What was recorded, by day."""
        told = self.history.events if self.history else []
        return sorted(map(AuthorityEvent.of, told), key=lambda one: (one.on, one.kind))

    def penalty_notices(self, today: date) -> int | None:
        """How many count in the three years to today; None: unknown, which is not none."""
        after = today - relativedelta(years=CAP_YEARS)
        counted = [one for one in self.events() if one.kind == PENALTY_NOTICE and not one.withdrawn]
        return sum(after < one.on <= today for one in counted) if self.confirmed else None


async def of_student(session: AsyncSession, student_id: UUID, *, on: date) -> Sequence[HistoryView]:
    """Every guardian of a student with their history, by priority."""
    current = select(GuardianHistory).where(
        GuardianHistory.student_id == student_id, GuardianHistory.replaced_at.is_(None)
    )
    mine = {row.guardian_id: row for row in await session.scalars(current)}
    views = await guardian_links.of_student(session, student_id, on=on)
    return [HistoryView(view, mine.get(view.guardian.id)) for view in views]


async def of_guardian(
    session: AsyncSession, student_id: UUID, guardian_id: UUID, *, on: date, lock: bool = False
) -> HistoryView:
    """One guardian of a student with their history."""
    view = await guardian_links.view(session, student_id, guardian_id, on=on)
    current = select(GuardianHistory).where(
        GuardianHistory.student_id == student_id,
        GuardianHistory.guardian_id == guardian_id,
        GuardianHistory.replaced_at.is_(None),
    )
    return HistoryView(view, (await session.scalars(current.with_for_update() if lock else current)).one_or_none())


async def put(session: AsyncSession, actor: Actor, command: RecordHistory, *, now: datetime) -> HistoryView:
    """Replace the history at once: until somebody else has confirmed the new one it is unknown, not less."""
    _check(command, now.date())
    present = await of_guardian(session, command.student_id, command.guardian_id, on=now.date(), lock=True)
    if present.view.link is None:
        problem = {"path.guardian_id": "a guardian of this student (GET /students/{id}/guardians)"}
        raise Invalid("not_their_guardian", f"Guardian {command.guardian_id} is none of theirs.", fields=problem)
    assert actor.person_id is not None, "a history is recorded by a person"
    if present.history is not None:
        present.history.replaced_at = now
        await session.flush()
    row = GuardianHistory(
        student_id=command.student_id,
        guardian_id=command.guardian_id,
        events=[one.stored() for one in command.events],
        source=command.source,
        checked_on=command.checked_on,
        recorded_by=actor.person_id,
        recorded_at=now,
    )
    session.add(row)
    await session.flush()
    told = {"before": _told(present.history), "after": _told(row)}
    act = Act("record_guardian_history", "guardian_history", row.id, row.student_id, command.reason, **told)
    await record(session, actor, act, now=now)
    return await of_guardian(session, command.student_id, command.guardian_id, on=now.date())


def _check(command: RecordHistory, today: date) -> None:
    wrong = {
        f"body.events[{at}].on": "a day up to that of the check"
        for at, one in enumerate(command.events)
        if one.on > command.checked_on
    }
    if command.checked_on > today + timedelta(days=1):
        wrong["body.checked_on"] = "the day the authority was asked, today at the latest"
    if wrong:
        raise Invalid("still_to_come", "A history tells of what has happened.", fields=wrong)


async def confirm(
    session: AsyncSession, actor: Actor, who: tuple[UUID, UUID], reason: str, *, now: datetime
) -> HistoryView:
    """Agree as the second person that this is the authority's history; from now on rules count by it."""
    present = await of_guardian(session, *who, on=now.date(), lock=True)
    row = present.history
    if row is None or row.confirmed_at is not None:
        raise Conflict("nothing_to_confirm", f"No history of guardian {who[1]} waits: record it first (PUT).")
    if row.recorded_by == actor.person_id:
        raise Forbidden("four_eyes", "A second person confirms: whoever recorded the history cannot.")
    before = _told(row)
    row.confirmed_by, row.confirmed_at = actor.person_id, now
    await session.flush()
    after = _told(row)
    act = Act("confirm_guardian_history", "guardian_history", row.id, row.student_id, reason, before, after)
    await record(session, actor, act, now=now)
    return await of_guardian(session, *who, on=now.date())


def _told(row: GuardianHistory | None) -> dict[str, Any]:
    if row is None:
        return {}
    return {"events": row.events, "source": row.source, "confirmed": row.confirmed_at is not None}
