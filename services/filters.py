"""The ids that a list is narrowed by: one that names nothing is refused, or an empty page would say "nothing there"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.guardians import Guardian
from models.imports import ImportRun
from models.instances import CaseFile, Instance
from models.people import Person
from models.students import Student
from rules.errors import NotFound


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where a thing lies, what it is called, and where its id is found."""

    model: type[Any]
    noun: str
    look: str


_KINDS: Final[Mapping[str, _Kind]] = {
    "student_id": _Kind(Student, "student", "GET /students"),
    "guardian_id": _Kind(Guardian, "guardian", "GET /students/{id}/guardians"),
    "instance_id": _Kind(Instance, "instance", "GET /interventions/queue, or GET /interventions/students/{id}"),
    "case_id": _Kind(CaseFile, "case", "GET /cases"),
    "assignee_id": _Kind(Person, "person", "GET /people"),
    "staff_id": _Kind(Person, "person", "GET /people"),
    "actor_id": _Kind(Person, "person", "GET /people"),
    "import_id": _Kind(ImportRun, "import", "GET /attendance/imports"),
}


async def must_exist(session: AsyncSession, **ids: UUID | None) -> None:
    """Refuse the first of these ids that names nothing of the tenant; whether the caller reaches it is the scope's."""
    for name, wanted in ids.items():
        kind = _KINDS[name]
        if wanted is not None and await session.get(kind.model, wanted) is None:
            why = f"There is no {kind.noun} {wanted} here: look its id up ({kind.look})."
            raise NotFound(f"{kind.noun}_not_found", why)
