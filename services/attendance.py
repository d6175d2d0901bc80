"""The register corrected by hand: marks or a calendar; facts and summaries follow in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.attendance import CalendarSession, CodeMap
from models.imports import ImportRun
from models.people import School
from models.queries import corrections
from models.queries.corrections import Correction, SessionAt
from rules.errors import Invalid
from services import attendance_summaries, audit, outbox, pack_recalls, schools
from services.attendance_import import SEQUENCE_SPAN
from services.context import Actor
from services.signals import restated, tell_restated


@dataclass(frozen=True, slots=True)
class CorrectedMark:
    """What one session should say, or (DAY) every session the student had that day; no code withdraws the mark."""

    date: date
    session: Literal["AM", "PM", "DAY"]
    code: str | None
    minutes_missed: int | None = None


@dataclass(frozen=True, slots=True)
class CorrectRegister:
    """What the register of one student at one school should say."""

    student_id: UUID
    school_id: UUID
    marks: Sequence[CorrectedMark]
    reason: str


Said = tuple[str, str] | None
"""Status and code of a session, None while nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One session before and after."""

    date: date
    session: str
    before: Said
    after: Said


@dataclass(frozen=True, slots=True)
class Corrected:
    """Every session that was corrected; `import_id` stands for the correction."""

    import_id: UUID
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session on which the school is open."""

    date: date
    session: Literal["AM", "PM"]
    minutes: int = 180


@dataclass(frozen=True, slots=True)
class SetCalendar:
    """The school's open sessions between two dates; whatever is not listed is closed."""

    school_id: UUID
    first: date
    last: date
    open_sessions: Sequence[OpenSession]
    reason: str


async def correct_register(
    session: AsyncSession, actor: Actor, command: CorrectRegister, *, now: datetime
) -> Corrected:
    """Append later rows, recompute the student from the first day on, and have running cases told."""
    school = await schools.of_id(session, command.school_id)
    wanted = await _sessions(session, school, command, now)
    before = [await corrections.status_now(session, at) for at, _ in wanted]
    run = await open_run(session, actor, "correction", now, rows=len(wanted))
    for at, mark in wanted:
        said = Correction(
            code=mark.code,
            minutes=mark.minutes_missed,
            reason=command.reason,
            by=str(actor.person_id or actor.display),
            title=actor.role,
            import_id=run.id,
            seq=run.number * SEQUENCE_SPAN,
            now=now,
        )
        await corrections.correct(session, at, said)
    await attendance_summaries.renew(session, actor, now=now)
    after = [await corrections.status_now(session, at) for at, _ in wanted]
    changes = tuple(Change(at.date, at.session, *said) for (at, _), *said in zip(wanted, before, after, strict=True))
    act = audit.Act(
        "correct",
        "mark",
        run.id,
        command.student_id,
        command.reason,
        before={f"{change.date} {change.session}": change.before for change in changes},
        after={f"{change.date} {change.session}": change.after for change in changes},
    )
    await finish_run(session, actor, run, act, now=now)
    await pack_recalls.ask_back(session, actor, command.student_id, now=now)
    return Corrected(run.id, changes)


async def open_sessions(session: AsyncSession, school_id: UUID, first: date, last: date) -> Sequence[CalendarSession]:
    """The open sessions of a school between two days, in order."""
    wanted = select(CalendarSession).where(
        CalendarSession.school_id == school_id, CalendarSession.date.between(first, last)
    )
    return (await session.scalars(wanted.order_by(CalendarSession.date, CalendarSession.session))).all()


async def set_calendar(session: AsyncSession, actor: Actor, command: SetCalendar, *, now: datetime) -> UUID:
    """Replace a stretch of a school's calendar; marks on closed sessions are kept and count again if it is opened."""
    school = await schools.of_id(session, command.school_id)
    outside = [item for item in command.open_sessions if not command.first <= item.date <= command.last]
    keys = {(item.date, item.session) for item in command.open_sessions}
    if outside or len(keys) != len(command.open_sessions) or command.last < command.first:
        problem = "each session once, between from_date and to_date"
        raise Invalid("calendar_invalid", "The calendar was not changed.", fields={"body.sessions": problem})
    listed = [(item.date, item.session, item.minutes) for item in command.open_sessions]
    rows = await open_sessions(session, school.id, command.first, command.last)
    before = [f"{row.date} {row.session}" for row in rows]
    run = await open_run(session, actor, "calendar", now, rows=len(listed))
    await corrections.replace_calendar(session, school.id, (command.first, command.last), listed)
    touched = await restated(session, now.astimezone(ZoneInfo(school.timezone)).date())
    await attendance_summaries.renew(session, actor, now=now)
    await tell_restated(session, touched, now)
    after = sorted(f"{on} {half}" for on, half, _ in listed)
    act = audit.Act(
        "set_calendar",
        "school",
        school.id,
        reason=command.reason,
        before={"sessions": before},
        after={"sessions": after},
    )
    await finish_run(session, actor, run, act, now=now)
    return run.id


async def _sessions(
    session: AsyncSession, school: School, command: CorrectRegister, now: datetime
) -> list[tuple[SessionAt, CorrectedMark]]:
    """The sessions that are meant, each checked: nothing is written unless all can be."""
    if not command.reason.strip():
        raise Invalid("reason_missing", "Say why the mark is corrected.", fields={"reason": "may not be empty"})
    today = now.astimezone(ZoneInfo(school.timezone)).date()
    known = set(await session.scalars(select(CodeMap.code).where(CodeMap.code_set == school.code_set)))
    wanted: list[tuple[SessionAt, CorrectedMark]] = []
    for mark in command.marks:
        _check(mark, school, known, today)
        halves = ("AM", "PM") if mark.session == "DAY" else (mark.session,)
        asked = [SessionAt(command.student_id, command.school_id, mark.date, half) for half in halves]
        found = [at for at in asked if await corrections.scheduled(session, at)]
        if not found:
            raise Invalid(
                "session_not_scheduled",
                f"There is no {mark.session} session on {mark.date} for this student: correct calendar or enrolment.",
                fields={"session": "school closed, or student not on roll"},
            )
        wanted += [(at, mark) for at in found]
    if len({at for at, _ in wanted}) != len(wanted):
        raise Invalid("session_twice", "A session is corrected once.", fields={"marks": "each session once"})
    return wanted


def _check(mark: CorrectedMark, school: School, known: set[str], today: date) -> None:
    if mark.date > today:
        raise Invalid("date_in_future", "The date has not come yet.", fields={"date": "may not be in the future"})
    if mark.code is not None and mark.code not in known:
        raise Invalid(
            "code_unknown",
            f"Code {mark.code!r} is not in the code set {school.code_set}: use one of its codes or map it first.",
            fields={"code": "not in the school's code set"},
        )


async def open_run(session: AsyncSession, actor: Actor, kind: str, now: datetime, *, rows: int = 0) -> ImportRun:
    """A correction is an import of its own: it has a place in the order of marks, and the nightly pass hears of it."""
    run = ImportRun(
        kind=kind,
        source_name=kind,
        status="FINISHED",
        rows_done=rows,
        rows_accepted=rows,
        started_by=actor.person_id,
        finished_at=now,
    )
    session.add(run)
    await session.flush()
    return run


async def finish_run(session: AsyncSession, actor: Actor, run: ImportRun, act: audit.Act, *, now: datetime) -> None:
    """The correction is audited, and the nightly pass that it asks for is under way."""
    await audit.record(session, actor, act, now=now)
    await outbox.enqueue(session, "import.finished", f"import/{run.id}", {"import_id": str(run.id)})
