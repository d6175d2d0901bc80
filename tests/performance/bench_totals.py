"""Today's totals and summaries for everybody, beside an update of the same rows with constants.

Run: python -m tests.performance.bench_totals [students]. Prints one JSON line; the bar is 8 times the update.
"""

import asyncio
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.queries import summaries
from models.queries.schedule import CREATE_BATCH, STEPS, materialise
from models.session import engine_for
from tests.keys import opened_on
from tests.performance.bench_import import DATABASE, a_tenant, own_postgres

ROUNDS = 3
NOW = datetime(2026, 9, 3, 19, 0, tzinfo=UTC)
SET_UP = """
insert into school (source_id, name, code_set) values ('S', 'S', 'UK');
insert into calendar_session (school_id, date, session)
    select s.id, d, x from school s, unnest(array[date '2026-09-02', date '2026-09-03']) d, unnest(array['AM', 'PM']) x;
insert into student (source_id) select n::text from generate_series(1, :students) n;
insert into enrolment (student_id, school_id, start_date) select t.id, s.id, '2026-09-01' from student t, school s;
select ensure_year_partitions('2026-09-01');
insert into session_fact (student_id, school_id, date, session, known_from, status, code, minutes_missed)
    select e.student_id, e.school_id, c.date, c.session, c.date + time '09:00',
        case when random() < 0.9 then 'PRESENT' else 'ABSENT' end, '/', 0
    from enrolment e join calendar_session c using (school_id);
insert into summary (student_id, school_id, date, attended_ytd, possible_ytd, consecutive_absence_days,
    total_absence_half_days_ytd, computed_at)
    select student_id, school_id, '2026-09-02', 2, 2, 0, 0, now() from enrolment;
"""
BATCH = """
insert into batch (student_id, school_id, from_date, to_date, start)
    select student_id, school_id, '2026-09-03', '2026-09-03', '2026-09-03' from enrolment
"""
CONSTANTS = """
update summary set am_status = 'PRESENT', pm_status = 'PRESENT', am_code = '/', pm_code = '/', attended_ytd = 4,
    possible_ytd = 4, attendance_percent = 100, consecutive_absence_days = 0, total_absence_half_days_ytd = 0,
    computed_at = now()
where date = '2026-09-03'
"""
TABLES = ("student", "enrolment", "session_fact", "summary")


async def today(session: AsyncSession) -> float:
    """The step that the import runs, for everybody at once."""
    await session.execute(text(CREATE_BATCH))
    await session.execute(text("truncate batch"))
    await session.execute(text(BATCH))
    await session.execute(text("analyze batch"))
    began = time.perf_counter()
    await materialise(session, STEPS, {})
    await summaries.rebuild(session, NOW)
    return time.perf_counter() - began


async def measured(url: str, students: int) -> dict[str, Any]:
    """Median of rounds; today's rows are written anew each time, then updated with constants."""
    sessions = opened_on(engine_for(url, pool_size=1))
    actor, computed, updated = await a_tenant(sessions), [], []
    async with sessions.tenant(actor.tenant_id) as session:
        for statement in filter(str.strip, SET_UP.split(";\n")):
            given = {"students": students} if ":students" in statement else {}
            await session.execute(text(statement), given)
        await session.execute(text(f"analyze {', '.join(TABLES)}"))
    for _ in range(ROUNDS):
        async with sessions.tenant(actor.tenant_id) as session:
            await session.execute(text("delete from summary where date = '2026-09-03'"))
            computed.append(await today(session))
        async with sessions.tenant(actor.tenant_id) as session:
            began = time.perf_counter()
            await session.execute(text(CONSTANTS))
            updated.append(time.perf_counter() - began)
    await sessions.engine.dispose()
    whole, constant = statistics.median(computed), statistics.median(updated)
    return {
        "students": students,
        "totals_seconds": round(whole, 2),
        "students_per_second": round(students / whole),
        "constant_update_seconds": round(constant, 2),
        "ratio": round(whole / constant, 2),
        "bar": 8,
    }


def main(students: int) -> None:
    with own_postgres() as server:
        print(json.dumps(asyncio.run(measured(server.app_url(DATABASE), students))))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
