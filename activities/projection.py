"""PostgreSQL sees the case."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services.projections import CaseView, project
from workflows.ports.common import Done
from workflows.ports.projection import ProjectOrder


class ProjectionActivities:
    """Moves the instance row forward and appends what happened."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def project(self, order: ProjectOrder) -> Done:
        seen = order.view
        view = CaseView(
            revision=seen.revision,
            status=seen.status,
            phase=seen.phase,
            stage_key=seen.stage_key,
            stage_index=seen.stage_index,
            rule_set_version=seen.rule_set_version,
            digest=seen.digest,
            proposal=seen.proposal,
            hold=seen.hold,
            stop_reason=seen.stop_reason,
            due=seen.due,
            due_at=seen.due_at,
            effective_day=seen.effective_day,
            follow_up_week=seen.follow_up_week,
            state=order.state.model_dump(mode="json", exclude={"ladder"}) if order.state else None,
            shown={"verbs": list(seen.verbs), "details": seen.details, "parked": seen.parked},
        )
        async with self._sessions.tenant(order.tenant_id) as session:
            await project(session, case_of(order), view, order.events)
        return Done()
