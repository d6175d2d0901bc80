"""Guardians who may be held liable for their child's attendance, and what an authority has done about each."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from rules.rulesets.guardian_histories import LiableGuardian

# Nobody has said that they may not: whether they may is then a person's to find out, and until then nothing advances.
# The last day of somebody who died is the day before.
_LIABLE: Final = text("""
select l.student_id, l.guardian_id, l.valid_from as first, least(l.valid_to, g.deceased_on - 1) as last, t.events
from guardian_link l
join guardian g on g.id = l.guardian_id
left join guardian_history t on t.student_id = l.student_id and t.guardian_id = l.guardian_id
    and t.confirmed_at <= :known_at and (t.replaced_at is null or t.replaced_at > :known_at)
where l.student_id = any(cast(:students as uuid[])) and l.may_be_held_liable is distinct from false
order by l.student_id, l.guardian_id, l.id
""")


async def liable(
    session: AsyncSession, students: Sequence[UUID], known_at: datetime
) -> dict[UUID, tuple[LiableGuardian, ...]]:
    """Each student's, with the history that was confirmed as known at an instant."""
    found: dict[UUID, tuple[LiableGuardian, ...]] = {}
    for row in await session.execute(_LIABLE, {"students": list(students), "known_at": known_at}):
        one = LiableGuardian(str(row.guardian_id), row.first, row.last, _counted(row.events))
        found[row.student_id] = (*found.get(row.student_id, ()), one)
    return found


def _counted(events: Sequence[Any] | None) -> tuple[tuple[str, date], ...] | None:
    if events is None:
        return None
    return tuple((one["kind"], date.fromisoformat(one["on"])) for one in events if not one["withdrawn"])
