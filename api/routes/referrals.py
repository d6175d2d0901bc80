"""Referrals: read, looked at for what is missing, sent, acknowledged, answered, left out or asked back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.referrals import (
    ReadinessOut,
    ReferralAcknowledgeIn,
    ReferralAnswerIn,
    ReferralIn,
    ReferralOut,
    ReferralSendIn,
)
from api.schemas.shared import ReasonIn
from models.queries.keyset import Window
from models.referrals import Referral
from models.session import Session
from rules.access.permissions import Permission
from rules.referrals.readiness import ReferralState
from services import evidence_packs, filters, referral_readiness, referrals
from services.referrals import RecordAnswer, ReferralQuery, SendReferral

router = APIRouter(prefix="/referrals", tags=["cases"], route_class=HandrailRoute)


async def _reached(session: Session, caller: Caller, referral_id: UUID) -> Referral:
    row = await referrals.get(session, referral_id)
    reach.of_school(caller, row.school_id, row.student_id)
    return row


@router.get("")
async def list_referrals(
    caller: Annotated[Caller, permit(Permission.REFERRAL_READ)],
    session: Work,
    school_id: UUID | None = None,
    student_id: UUID | None = None,
    status: ReferralState | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[ReferralOut]:
    """Referrals of your schools, the newest first."""
    await filters.must_exist(session, student_id=student_id)
    asked = ReferralQuery(await reach.scope(session, caller, school_id), student_id, status)
    rows = await referrals.listed(session, asked, Window(limit, after(cursor)))
    return page(rows, limit, ReferralOut.model_validate, lambda row: (row.id,))


@router.get("/{referral_id:uuid}")
async def read_referral(
    referral_id: UUID, caller: Annotated[Caller, permit(Permission.REFERRAL_READ)], session: Work, response: Response
) -> ReferralOut:
    """One referral, with the ETag that an edit needs."""
    return tagged(response, ReferralOut.model_validate(await _reached(session, caller, referral_id)))


@router.get("/{referral_id:uuid}/readiness")
async def read_referral_readiness(
    referral_id: UUID,
    caller: Annotated[Caller, permit(Permission.REFERRAL_READ)],
    session: Work,
    given: Parts,
    pack_id: UUID | None = None,
) -> ReadinessOut:
    """What is missing before it may be sent: absences not yet explained, the authority's history, the papers."""
    row = await _reached(session, caller, referral_id)
    if pack_id is not None:
        await evidence_packs.get(session, pack_id)
    named = pack_id or row.pack_id or await referral_readiness.latest_pack(session, row)
    of = (row, referrals.case_of(caller.actor, row, caller.now))
    missing = await referral_readiness.blockers_of(session, given.working.keyring, caller.actor, of, named)
    return ReadinessOut.of(referral_id, named, missing)


@router.put("/{referral_id:uuid}")
async def put_referral(
    referral_id: UUID,
    body: ReferralIn,
    caller: Annotated[Caller, permit(Permission.REFERRAL_RECORD)],
    session: Work,
    response: Response,
    if_match: IfMatch = None,
) -> ReferralOut:
    """Say to whom it goes; the evidence pack must be for the same recipient."""
    unchanged(if_match, ReferralOut.model_validate(await _reached(session, caller, referral_id)))
    row = await referrals.readdress(session, caller.actor, referral_id, body.recipient, body.reason, now=caller.now)
    return tagged(response, ReferralOut.model_validate(row))


@router.post("/{referral_id:uuid}/send")
async def send_referral(
    referral_id: UUID,
    body: ReferralSendIn,
    caller: Annotated[Caller, permit(Permission.REFERRAL_SEND)],
    _key: CommandKey,
    session: Work,
    given: Parts,
) -> ReferralOut:
    """It goes out now; refused with everything that is still missing. The case counts from that day."""
    await _reached(session, caller, referral_id)
    command = SendReferral(referral_id, body.pack_id, body.way, body.on)
    row = await referrals.send(session, given.working.keyring, caller.actor, command, now=caller.now)
    return ReferralOut.model_validate(row)


@router.post("/{referral_id:uuid}/acknowledge")
async def acknowledge_referral(
    referral_id: UUID,
    body: ReferralAcknowledgeIn,
    caller: Annotated[Caller, permit(Permission.REFERRAL_RECORD)],
    _key: CommandKey,
    session: Work,
) -> ReferralOut:
    """The recipient has it."""
    await _reached(session, caller, referral_id)
    said = (body.on, body.reference)
    row = await referrals.acknowledge(session, caller.actor, referral_id, said, now=caller.now)
    return ReferralOut.model_validate(row)


@router.post("/{referral_id:uuid}/answer")
async def answer_referral(
    referral_id: UUID,
    body: ReferralAnswerIn,
    caller: Annotated[Caller, permit(Permission.REFERRAL_RECORD)],
    _key: CommandKey,
    session: Work,
) -> ReferralOut:
    """What the recipient came to; a penalty notice is recorded in the guardian's history beside it."""
    await _reached(session, caller, referral_id)
    command = RecordAnswer(referral_id, body.result, body.on, body.note)
    return ReferralOut.model_validate(await referrals.answer(session, caller.actor, command, now=caller.now))


@router.post("/{referral_id:uuid}/end")
async def end_referral(
    referral_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.REFERRAL_SEND)],
    _key: CommandKey,
    session: Work,
) -> ReferralOut:
    """Not sent, it is left out; with the recipient, it is asked back."""
    await _reached(session, caller, referral_id)
    row = await referrals.end(session, caller.actor, referral_id, body.reason, now=caller.now)
    return ReferralOut.model_validate(row)
