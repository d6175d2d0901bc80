"""Letters: plan for whom, draw and store, deliver; each once per key."""

from temporalio import activity

from activities.boundary import case_of
from rules.errors import Invalid
from rules.ids import ArtifactId, GuardianId
from services import delivery, letters
from services.letter_merge import Writing
from services.letters import Wish
from services.means import Means
from services.notices import NoticeTerms
from workflows.ports.letters import (
    Delivered,
    DeliveryOrder,
    IssuedLetter,
    LetterOrder,
    LetterPlan,
    PlannedRecipient,
    PlanOrder,
)


class LetterActivities:
    """No transaction is open while a letter is drawn, stored or sent."""

    def __init__(self, means: Means) -> None:
        self._means = means

    @activity.defn
    async def plan_letters(self, order: PlanOrder) -> LetterPlan:
        stage = order.stage
        if not stage.template:
            raise Invalid("stage_without_template", f"Stage {stage.key} names no letter template: skip it or re-pin.")
        wish = Wish(stage.template, stage.key, purpose=stage.purpose, channels=stage.channels, elements=stage.elements)
        async with self._means.sessions.tenant(order.tenant_id) as session:
            planned = await letters.plan(session, case_of(order), wish)
        return LetterPlan(
            recipients=tuple(
                PlannedRecipient(guardian_id=GuardianId(one.guardian_id), channel=one.channel, language=one.language)
                for one in planned
            )
        )

    @activity.defn
    async def issue_letter(self, order: LetterOrder) -> IssuedLetter:
        case = case_of(order)
        async with self._means.sessions.tenant(order.tenant_id) as session:
            message_id = await letters.planned_message(session, case, order.stage.key, order.guardian_id)
        writing = Writing(order.guardian_id, order.language, order.basis, notice=NoticeTerms.of(order.stage))
        issued = await letters.issue(self._means, case, message_id, writing)
        return IssuedLetter(
            artifact_id=ArtifactId(issued.artifact_id),
            sha256=issued.sha256,
            stored_sha256=issued.stored_sha256,
            pages=issued.pages,
        )

    @activity.defn
    async def deliver_letter(self, order: DeliveryOrder) -> Delivered:
        there = await delivery.deliver(self._means, case_of(order), order.artifact_id, order.stage.purpose)
        return Delivered(state=there.state, effective_day=there.effective_day, reason=there.reason)
