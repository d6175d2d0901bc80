"""Whether a referral may be sent now: the case, the register, the guardian and the papers, looked at in one reading."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.ports import KeyRing
from models.evidence_packs import EvidencePack
from models.instances import Instance
from models.queries.history import history_of
from models.referrals import Referral
from models.students import AbsenceReason
from rules.ladder.stages import ReferredTo
from rules.ladder.state import Basis, State
from rules.ladder.words import Phase
from rules.privacy.packs import PackKind
from rules.referrals.readiness import (
    Blocker,
    Counted,
    Outlook,
    PackStanding,
    ReasonState,
    ReferralFacts,
    blockers,
    counted,
    foreseen,
)
from services import decisions, evidence_packs, guardian_histories, pack_recalls, reasoning, school_days
from services.context import Actor, CaseRef
from services.entitlement import contact_stopped, linked_guardians, sending_on, stopped_guardians

PACKS: Final[Mapping[ReferredTo, PackKind]] = MappingProxyType(
    {ReferredTo.AUTHORITY: PackKind.AUTHORITY_REFERRAL, ReferredTo.COURT: PackKind.COURT}
)
"""Which evidence pack goes to whom."""
Of = tuple[Referral, CaseRef]


async def blockers_of(
    session: AsyncSession, keyring: KeyRing, actor: Actor, of: Of, pack_id: UUID | None
) -> Mapping[Blocker, str]:
    """Everything that keeps a referral from being sent with a pack, in words; empty = ready."""
    row, case = of
    basis = await _waited_on(session, row)
    on = await school_days.today(session, case)
    guardian = await guardian_histories.of_guardian(session, row.student_id, row.guardian_id, on=on)
    stopped = await contact_stopped(session, case.student_id)
    return blockers(
        ReferralFacts(
            waiting=basis is not None,
            contact_stop=stopped or row.guardian_id in await stopped_guardians(session, case.student_id),
            sending=await sending_on(session, case.school_id),
            basis_holds=basis is not None and await _holds(session, case, basis),
            counted=await _counted(session, case, basis) if basis else Counted(0, 0),
            liable=guardian.liable,
            history_confirmed=guardian.confirmed,
            recipient=row.recipient,
            pack=await _standing(session, keyring, actor, of, pack_id),
        )
    )


async def foreseen_of(
    session: AsyncSession, case: CaseRef, recipient: str | None, basis: Basis
) -> Mapping[Blocker, str]:
    """What would keep the referrals of a rung from being sent, as far as it is known before they are opened."""
    on = await school_days.today(session, case)
    asked = await linked_guardians(session, case.student_id, on)
    views = await guardian_histories.of_student(session, case.student_id, on=on)
    known = {one.view.guardian.id: (one.liable, one.confirmed) for one in views}
    people = tuple(known.get(one, (None, False)) for one in asked)
    return foreseen(Outlook(await _counted(session, case, basis), people, recipient or ""))


async def _waited_on(session: AsyncSession, row: Referral) -> Basis | None:
    """What the rung rests on that waits for this referral; None: the case has gone on, pauses, or is over."""
    instance = (await session.scalars(select(Instance).where(Instance.id == row.instance_id))).one()
    if instance.phase != Phase.WAITING or instance.state is None:
        return None
    step = State.model_validate(instance.state).last_step
    waits = step is not None and any(one.id == row.id and not one.settled for one in step.referrals)
    return step.basis if step and waits else None


async def _holds(session: AsyncSession, case: CaseRef, basis: Basis) -> bool:
    (found,) = await decisions.check(session, case, basis.digest, [basis])
    return found.holds is True


async def _counted(session: AsyncSession, case: CaseRef, basis: Basis) -> Counted | None:
    if basis.on is None:
        return Counted(0, 0)
    school_id = basis.school_id or case.school_id
    history = await history_of(session, case.student_id, school_id, case.now, basis.on)
    sessions = reasoning.absences_behind(basis, history)
    if sessions is None:
        return None
    given = select(AbsenceReason).where(AbsenceReason.student_id == case.student_id, AbsenceReason.date <= basis.on)
    mine = (await session.scalars(given.where(AbsenceReason.school_id == school_id))).all()
    reasons = {(one.date, one.session): ReasonState(one.status) for one in mine}
    return counted(history.school.code_set, sessions, reasons)


async def latest_pack(session: AsyncSession, row: Referral) -> UUID | None:
    """The newest pack of the case for this guardian and kind of recipient that is not recalled."""
    wanted = select(EvidencePack.id).where(
        EvidencePack.case_id == row.case_id,
        EvidencePack.guardian_id == row.guardian_id,
        EvidencePack.kind == PACKS[ReferredTo(row.referred_to)],
        EvidencePack.status != "RECALLED",
    )
    newest = wanted.order_by(EvidencePack.prepared_at.desc(), EvidencePack.id.desc()).limit(1)
    return (await session.scalars(newest)).first()


async def _standing(
    session: AsyncSession, keyring: KeyRing, actor: Actor, of: Of, pack_id: UUID | None
) -> PackStanding:
    row, case = of
    pack = await session.get(EvidencePack, pack_id) if pack_id else None
    if pack is None:
        return PackStanding.NONE
    its = (pack.case_id, pack.guardian_id, pack.kind)
    words = await evidence_packs.read_words(session, keyring, actor, pack)
    if its != (row.case_id, row.guardian_id, PACKS[ReferredTo(row.referred_to)]) or words.recipient != row.recipient:
        return PackStanding.ANOTHER
    if pack.status != "RELEASED":
        return PackStanding.NOT_RELEASED
    return PackStanding.OUTDATED if await _outdated(session, pack, case.now) else PackStanding.RELEASED


async def _outdated(session: AsyncSession, pack: EvidencePack, now: datetime) -> bool:
    over = pack.expires_at is None or now >= pack.expires_at
    return (
        over or await pack_recalls.register_moved(session, pack) or bool(await pack_recalls.outdated(session, [pack]))
    )
