"""Small district folders for tests, and what the database says after importing them."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text

from models.session import Sessions
from models.tenants import Tenant
from rules.ids import TenantId
from services.attendance_import import Imported, OpenImport, district_feed, import_feed
from services.context import Actor, system

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
Rows = Sequence[Sequence[object]]
HEADERS = {
    "schools": "school_id,name,timezone,code_set,missing_mark_policy,sessions_per_day,year_start,day_basis",
    "calendar": "school_id,date,session",
    "students": "student_id,first_name,last_name",
    "guardians": "guardian_id,name,language,email",
    "student_guardians": "student_id,guardian_id,relation,legal_responsibility,lives_with,receives_letters",
    "enrolments": "student_id,school_id,start_date,end_date,attends",
    "marks": "mark_id,student_id,school_id,date,session,code,recorded_at,register,deleted",
    "code_map": "code_set,code,status,is_tardy",
    "student_merges": "old_id,new_id",
    "student_attributes": "student_id,kind,value",
}
SUMMARIES = """
select t.source_id, h.source_id, y.date::text, coalesce(am_status, ''), coalesce(pm_status, ''), coalesce(am_code, ''),
    coalesce(pm_code, ''), coalesce(attendance_percent::text, ''), attended_ytd::text, possible_ytd::text,
    consecutive_absence_days::text, to_char(total_absence_half_days_ytd / 2.0, 'FM999990.0')
from summary y join student t on t.id = y.student_id join school h on h.id = y.school_id
"""
FACTS = """
select t.source_id, h.source_id, f.date, f.session, f.known_from::text, f.known_to::text, f.status, f.code, f.tardy,
    f.minutes_missed
from session_fact f join student t on t.id = f.student_id join school h on h.id = f.school_id
"""


def school(school_id: str = "S", policy: str = "EXCLUDE", **changed: object) -> list[object]:
    given = {"code_set": "UK", "sessions_per_day": 2, "year_start": "08-01", "day_basis": "", **changed}
    return [school_id, school_id, "Europe/London", given["code_set"], policy, *list(given.values())[1:]]


def school_days(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=n) for n in range(3 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def calendar(days: Iterable[date], school_id: str = "S") -> list[list[object]]:
    return [[school_id, day, session] for day in days for session in ("AM", "PM")]


def write(folder: Path, **tables: Rows) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(HEADERS[name].split(","))
            writer.writerows(rows)
    return folder


async def a_tenant(sessions: Sessions) -> Actor:
    async with sessions.untenanted() as session:
        tenant = Tenant(key=str(uuid4()), name="A district")
        session.add(tenant)
    return system(TenantId(tenant.id), "cli", "r-1")


async def take_in(sessions: Sessions, actor: Actor, folder: Path, now: datetime = NOW) -> Imported:
    order = OpenImport("district", folder.name)
    return await import_feed(sessions, actor, order, district_feed(folder, received_at=now), now=now)


async def summaries(sessions: Sessions, actor: Actor) -> list[list[str]]:
    async with sessions.tenant(actor.tenant_id) as session:
        return sorted([list(row) for row in await session.execute(text(SUMMARIES))], key=lambda row: row[:3])


async def facts(sessions: Sessions, actor: Actor) -> list[tuple[object, ...]]:
    async with sessions.tenant(actor.tenant_id) as session:
        return sorted([tuple(row) for row in await session.execute(text(FACTS))], key=lambda row: list(map(str, row)))


def expected(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return sorted(list(csv.reader(stream))[1:], key=lambda row: row[:3])
