"""What the view log, the disclosure log and the audit trail hold of one request."""

from uuid import UUID

import httpx
from sqlalchemy import select

from models.audit import AuditEntry, StudentView
from models.privacy import Disclosure
from tests.api.district import District, Tenancy


def viewed(district: District, answer: httpx.Response, tenancy: Tenancy | None = None) -> set[UUID]:
    """The students that the view log says this answer showed; each stands there once."""
    rows = views(district, answer, tenancy)
    students = [row.student_id for row in rows]
    assert len(students) == len(set(students))
    return set(students)


def views(district: District, answer: httpx.Response, tenancy: Tenancy | None = None) -> list[StudentView]:
    async def read() -> list[StudentView]:
        async with district.sessions.tenant((tenancy or district.ours).id) as session:
            mine = select(StudentView).where(StudentView.request_id == answer.headers["X-Request-Id"])
            return list((await session.scalars(mine)).all())

    return district.run(read())


def disclosed(district: District, answer: httpx.Response) -> set[UUID]:
    """The students that the disclosure log says this answer showed to somebody from outside."""

    async def read() -> set[UUID]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(Disclosure.student_id).where(Disclosure.request_id == answer.headers["X-Request-Id"])
            return set((await session.scalars(mine)).all())

    return district.run(read())


def recorded(district: District, request_id: str) -> list[AuditEntry]:
    """The audit entries of one request, or of one command of a case."""

    async def read() -> list[AuditEntry]:
        async with district.sessions.tenant(district.ours.id) as session:
            mine = select(AuditEntry).where(AuditEntry.request_id == request_id).order_by(AuditEntry.seq)
            return list((await session.scalars(mine)).all())

    return district.run(read())
