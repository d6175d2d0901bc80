"""Asks for an erasure or decides it; decided, it is carried out at once."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from uuid import UUID

from api.dependencies import ApiDependencies, Caller
from models.erasures import Erasure
from models.session import Session
from orchestration.erasing import carry_out
from orchestration.handles import CaseHandles
from rules.errors import Conflict, Unavailable
from services import erasures
from services.erasures import AskErasure


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
        caller = self.caller
        return await carry_out(self.parts.sessions, self._cases(), caller.actor, student_id, now=caller.now)

    def _session(self) -> AbstractAsyncContextManager[Session]:
        return self.parts.sessions.tenant(self.caller.actor.tenant_id)
