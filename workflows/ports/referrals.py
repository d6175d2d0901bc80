"""Port: open the referrals of a case, one for each guardian whom it is about."""

from datetime import date
from uuid import UUID

from temporalio import activity

from rules.ids import GuardianId
from rules.ladder.stages import Stage
from rules.ladder.state import Basis
from workflows.ports.common import Order, PortModel


class ReferralOrder(Order):
    """The REFERRAL rung and what it rests on; to be sent within `stage.within_school_days`."""

    stage: Stage
    basis: Basis


class OpenedReferral(PortModel):
    """One guardian's referral, which waits for staff."""

    referral_id: UUID
    guardian_id: GuardianId


class OpenedReferrals(PortModel):
    """Those of every guardian, in the order of their links, and the local day until which they should be sent."""

    referrals: tuple[OpenedReferral, ...]
    due: date


@activity.defn
async def open_referrals(order: ReferralOrder) -> OpenedReferrals:
    """Draft each guardian's evidence pack and open the referral with the task to get it ready; nothing is sent. Once
    per key. The signal `referral_changed` tells what became of each. Nobody who may be held liable: refused, so that
    a person looks at the guardians.
    """
    raise NotImplementedError(order)
