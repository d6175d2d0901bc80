"""Carries an approved retention list out, line by line; interrupted, it goes on with the line it was at."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from models.retention import RetentionRun
from models.session import Sessions
from orchestration import erasing
from orchestration.handles import CaseHandles
from rules.errors import Conflict
from rules.ids import PersonId
from rules.privacy.retention import EndOf
from services import erasures, retention
from services.context import Actor


async def carry_out(
    sessions: Sessions, cases: CaseHandles, actor: Actor, run_id: UUID, *, now: datetime
) -> RetentionRun:
    """Destroy what the list names and nothing holds by now; asked for again after its end, it changes nothing."""
    async with sessions.tenant(actor.tenant_id) as session:
        run = await retention.get(session, run_id)
        await retention.genuine(session, actor.tenant_id, run)
    if run.status == "LISTED":
        raise Conflict("retention_not_approved", f"Nobody has approved list {run_id}: a second person does it first.")
    for number, line in enumerate(run.lines):
        if line["action"] == EndOf.ERASE:
            await _erase(sessions, cases, actor, run, number, now)
        else:
            async with sessions.tenant(actor.tenant_id) as session:
                held = await retention.get(session, run_id, lock=True)
                await retention.delete_line(session, actor, held, number, now=now)
    async with sessions.tenant(actor.tenant_id) as session:
        run = await retention.get(session, run_id, lock=True)
        if run.status == "APPROVED":
            await retention.finish(session, actor, run, now=now)
        return run


async def _erase(
    sessions: Sessions, cases: CaseHandles, actor: Actor, run: RetentionRun, number: int, now: datetime
) -> None:
    gone = kept = 0
    line = run.lines[number]
    if not retention.may_end(line):
        async with sessions.tenant(actor.tenant_id) as session:
            held = await retention.get(session, run.id, lock=True)
            counts = {"erased": 0, "not_verified": line["count"]}
            await retention.erased_line(session, actor, held, number, counts, now=now)
        return
    for one in line["students"]:
        if await _erased(sessions, cases, actor, run, UUID(one), now):
            gone += 1
        else:
            kept += 1
    async with sessions.tenant(actor.tenant_id) as session:
        held = await retention.get(session, run.id, lock=True)
        await retention.erased_line(session, actor, held, number, {"erased": gone, "kept": kept}, now=now)


async def _erased(
    sessions: Sessions, cases: CaseHandles, actor: Actor, run: RetentionRun, student_id: UUID, now: datetime
) -> bool:
    async with sessions.tenant(actor.tenant_id) as session:
        row = await retention.decided(session, run, student_id, now=now)
        if row is None:
            return False
        if row.status == "REQUESTED":
            decider = run.approved_by if row.requested_by != run.approved_by else run.listed_by
            assert decider is not None, "an approved list has an approver"
            try:
                await erasures.decide(session, replace(actor, person_id=PersonId(decider)), row, now=now)
            except Conflict:  # a hold, an amendment request or an incident that came after the list
                return False
    await erasing.carry_out(sessions, cases, actor, student_id, now=now)
    return True
