"""Corrections: a later row on every register of the session, and changed calendars; both mark exactly who is stale."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries.register_merge import CALENDAR_YEARS, STALE, STALE_ON_ROLL

# Several registers of one session are merged best first (S3.4): a correction that spoke on one of them only could lose.
CORRECT = text(f"""
with one as (select coalesce(merged_into_id, id) as id from student where id = :student),
register as (
    select distinct k.register from mark k join student s on s.id = k.student_id join one on true
    where coalesce(s.merged_into_id, s.id) = one.id and k.school_id = :school and k.date = :day
        and k.session = :session
    union select '' where not exists (
        select from mark k join student s on s.id = k.student_id join one on true
        where coalesce(s.merged_into_id, s.id) = one.id and k.school_id = :school and k.date = :day
            and k.session = :session)
),
written as (
    insert into mark (row_key, mark_id, student_id, school_id, date, session, code, recorded_at, register, deleted,
        minutes_missed, source, recorded_by, recorded_by_title, amend_reason, ingest_seq, import_id)
    select gen_random_uuid(), concat_ws(':', :import_id, :day, :session, r.register), one.id, :school, :day, :session,
        coalesce(cast(:code as text), ''), date_trunc('second', cast(:now as timestamptz)), r.register,
        cast(:code as text) is null, cast(:minutes as int), 'correction', :by, :title, :reason, :seq, :import_id
    from register r cross join one
    returning student_id, school_id, date
)
{STALE.format(rows="select student_id, school_id, date, date from written")}
""")

SCHEDULED = text("""
select exists (
    select from enrolment e join student s on s.id = e.student_id
    join student asked on asked.id = :student and coalesce(asked.merged_into_id, asked.id)
        = coalesce(s.merged_into_id, s.id)
    join calendar_session c on c.school_id = e.school_id and c.date = :day and c.session = :session
    where e.school_id = :school and e.start_date <= :day and (e.end_date is null or e.end_date >= :day)
        and (e.attends = 'AM|PM' or e.attends = :session))
""")
STATUS_NOW = text("""
select f.status, f.code from session_fact f join student s on s.id = :student
where f.student_id = coalesce(s.merged_into_id, s.id) and f.school_id = :school and f.date = :day
    and f.session = :session and f.known_to = 'infinity'
""")

CALENDAR = text(f"""
with told as (
    select * from unnest(cast(:dates as date[]), cast(:sessions as text[]), cast(:minutes as int[]))
        as t(date, session, minutes)
),
closed as (
    delete from calendar_session c
    where c.school_id = :school and c.date between :first and :last
        and not exists (select from told t where t.date = c.date and t.session = c.session)
    returning c.school_id, c.date
),
opened as (
    insert into calendar_session as c (school_id, date, session, minutes)
    select :school, date, session, minutes from told
    on conflict (school_id, date, session) do update set minutes = excluded.minutes
        where c.minutes is distinct from excluded.minutes
    returning c.school_id, c.date
),
changed as (
    select school_id, min(date) as first, max(date) as last
    from (select * from closed union all select * from opened) u group by school_id
)
{STALE_ON_ROLL}
""")

# Whoever was marked with one of these codes at a school of the set, on whatever register.
CODES = text(
    STALE.format(
        rows="""select k.student_id, k.school_id, k.date, k.date from mark k join school h on h.id = k.school_id
    where h.code_set = :code_set and k.code = any(cast(:codes as text[]))"""
    )
)


@dataclass(frozen=True, slots=True)
class SessionAt:
    """One session of one student."""

    student_id: UUID
    school_id: UUID
    date: date
    session: str

    def given(self) -> dict[str, object]:
        return {"student": self.student_id, "school": self.school_id, "day": self.date, "session": self.session}


@dataclass(frozen=True, slots=True)
class Correction:
    """What the register says from now on; no code withdraws the mark."""

    code: str | None
    minutes: int | None
    reason: str
    by: str
    title: str
    import_id: UUID
    seq: int
    now: datetime

    def given(self) -> dict[str, object]:
        names = ("code", "minutes", "reason", "by", "title", "import_id", "seq", "now")
        return {name: getattr(self, name) for name in names}


async def scheduled(session: AsyncSession, at: SessionAt) -> bool:
    """Whether the school is open and the student on roll for this session."""
    return bool(await session.scalar(SCHEDULED, at.given()))


async def status_now(session: AsyncSession, at: SessionAt) -> tuple[str, str] | None:
    """(status, code) as all marks known now tell it; None while there is no mark."""
    row = (await session.execute(STATUS_NOW, at.given())).one_or_none()
    return (row.status, row.code) if row else None


async def correct(session: AsyncSession, at: SessionAt, correction: Correction) -> None:
    """Append the correction; the student is stale from that day on."""
    await session.execute(CORRECT, {**at.given(), **correction.given()})


async def replace_calendar(
    session: AsyncSession, school_id: UUID, span: tuple[date, date], open_sessions: Sequence[tuple[date, str, int]]
) -> None:
    """The school is open in the span on exactly these sessions; everybody on roll is stale between the changes."""
    dates, names, minutes = ([row[at] for row in open_sessions] for at in range(3))
    given = {"school": school_id, "first": span[0], "last": span[1]}
    await session.execute(CALENDAR, {**given, "dates": dates, "sessions": names, "minutes": minutes})
    await session.execute(text(CALENDAR_YEARS))


async def recode(session: AsyncSession, code_set: str, codes: Collection[str]) -> None:
    """These codes now mean something else: everybody marked with one is stale on those days."""
    await session.execute(CODES, {"code_set": code_set, "codes": sorted(codes)})
