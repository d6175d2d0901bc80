"""Whom the demo's personas reach: a teacher's class, a group, a named case, the student themself, who is a guardian."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.demo_folder import ReachRow
from models.access import ClassScope, GuardianAccount, StudentScope
from models.people import Person, SchoolClass
from services import audit
from services.audit import Act
from services.context import Actor

REASON: Final = "demo district"


async def let_reach(
    session: AsyncSession,
    actor: Actor,
    rows: Sequence[ReachRow],
    ids: tuple[Mapping[str, UUID], Mapping[str, UUID]],
    *,
    now: datetime,
) -> None:
    """Enter each row; which children a guardian may open follows from the links the register brought."""
    students, guardians = ids
    for row in rows:
        person_id = (await session.scalars(select(Person.id).where(Person.subject == row.person_id))).one()
        what: Any
        if row.kind == "CLASS":
            wanted = select(SchoolClass.id).where(SchoolClass.source_id == row.thing_id)
            what = ClassScope(person_id=person_id, class_id=(await session.scalars(wanted)).one())
        elif row.kind == "GUARDIAN":
            what = GuardianAccount(person_id=person_id, guardian_id=guardians[row.thing_id])
        else:
            named = {"person_id": person_id, "student_id": students[row.thing_id], "kind": row.kind}
            what = StudentScope(**named, ends_on=row.until)
        session.add(what)
        await session.flush()
        told = {"kind": row.kind, "thing": row.thing_id, "until": str(row.until or "")}
        await audit.record(session, actor, Act("let_reach", "person", person_id, reason=REASON, after=told), now=now)
