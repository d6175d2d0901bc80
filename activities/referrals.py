"""Open the referrals of a case."""

from temporalio import activity

from activities.boundary import case_of
from rules.ids import GuardianId
from services import referrals
from services.means import Means
from services.referrals import OpenReferrals
from workflows.ports.referrals import OpenedReferral, OpenedReferrals, ReferralOrder


class ReferralActivities:
    """Each guardian's referral with its drafted evidence pack; nothing leaves the house."""

    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn
    async def open_referrals(self, order: ReferralOrder) -> OpenedReferrals:
        stage = order.stage
        wanted = OpenReferrals(stage.key, stage.recipient, stage.referred_to, stage.within_school_days)
        rows = await referrals.open_all(self._means, case_of(order), wanted)
        people = (OpenedReferral(referral_id=row.id, guardian_id=GuardianId(row.guardian_id)) for row in rows)
        return OpenedReferrals(referrals=tuple(people), due=max(row.due_on for row in rows))
