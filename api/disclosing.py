"""The disclosure log at the edge: whatever a caller from outside the school was shown is written down by itself."""

from fastapi import Request, Response

from api.dependencies import Caller, parts
from models.session import Session
from rules.privacy.disclosures import OUTSIDE, Party
from services import disclosures
from services.disclosures import Disclose


async def write_down(request: Request, response: Response) -> None:
    """After a read by a guardian, student or external account: one line for each student whose record it showed."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None or caller.principal.role not in OUTSIDE or not response.status_code < 300:
        return
    if request.method != "GET" or not caller.reached:
        return
    work: Session | None = getattr(request.state, "work", None)
    if work is not None:
        await _lines(work, caller, request)
        return
    async with parts(request).sessions.tenant(caller.actor.tenant_id) as session:
        await _lines(session, caller, request)


async def _lines(session: Session, caller: Caller, request: Request) -> None:
    party, purpose = OUTSIDE[caller.principal.role]
    guardian_id = caller.principal.guardian_id if party is Party.GUARDIAN else None
    what = request.scope["route"].operation_id
    for student_id in sorted(caller.reached):
        told = Disclose(student_id, party, purpose, what, guardian_id=guardian_id)
        await disclosures.seen(session, caller.actor, told, now=caller.now)
