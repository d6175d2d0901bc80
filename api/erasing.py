"""Carries a decided erasure out: end the workflows, shred, delete their histories; each step can be taken again."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

from api.dependencies import ApiDependencies, Caller
from models.erasures import Erasure
from models.session import Session
from models.students import Student
from orchestration.handles import CaseAddress, CaseHandles
from rules.access.policy import Resource
from rules.errors import Conflict, NotFound, Unavailable
from rules.ids import StudentId
from services import erasures, people
from services.erasures import AskErasure

WHY = "the record is erased"


async def reached(session: Session, caller: Caller, student_id: UUID) -> UUID:
    """The student, erased or not, if the policy allows the caller this permission."""
    found = await session.get(Student, student_id)
    if found is None:
        raise NotFound("student_not_found", f"There is no student {student_id} here.")
    own = found.merged_into_id or found.id
    schools = await people.schools_of(session, own, on=caller.now.date())
    caller.must(Resource(caller.principal.tenant_id, school_ids=schools, student_id=StudentId(own)))
    return own


@dataclass(frozen=True)
class Eraser:
    """One request for one erasure; without Temporal nothing is begun."""

    parts: ApiDependencies
    caller: Caller

    async def ask_or_decide(self, student_id: UUID, command: AskErasure) -> Erasure:
        """The first person asks; the second decides, and it is carried out; then whoever holds it may go on."""
        caller = self.caller
        async with self._session() as session:
            row = await erasures.of_student(session, student_id, lock=True)
            if row is None:
                return await erasures.ask(session, caller.actor, command, now=caller.now)
            if row.status == "DONE":
                raise Conflict("erased", f"Student {student_id} was erased before.")
            if row.status == "REQUESTED":
                self._cases()
                await erasures.decide(session, caller.actor, row, now=caller.now)
        return await self._carry_out(student_id)

    def _cases(self) -> CaseHandles:
        if self.parts.cases is None:
            raise Unavailable("temporal_unavailable", "The case engine is not connected; nothing was changed.")
        return self.parts.cases

    async def _carry_out(self, student_id: UUID) -> Erasure:
        cases, caller = self._cases(), self.caller
        tenant_id = caller.actor.tenant_id
        async with self._session() as session:
            walks = await erasures.walks(session, student_id)
        addresses = [CaseAddress(tenant_id, walk.school_year, walk.instance_id) for walk in walks]
        for address in addresses:
            await cases.end(address, WHY)
        async with self._session() as session:
            row = await self._locked(session, student_id)
            if row.status == "APPROVED":
                await erasures.erase(session, caller.actor, row, now=caller.now)
        for address in addresses:
            await cases.forget(address)
        async with self._session() as session:
            row = await self._locked(session, student_id)
            if row.status == "ERASED":
                await erasures.finish(session, caller.actor, row, now=caller.now)
            return row

    def _session(self) -> AbstractAsyncContextManager[Session]:
        return self.parts.sessions.tenant(self.caller.actor.tenant_id)

    async def _locked(self, session: Session, student_id: UUID) -> Erasure:
        row = await erasures.of_student(session, student_id, lock=True)
        assert row is not None, "it was decided a moment ago"
        return row
