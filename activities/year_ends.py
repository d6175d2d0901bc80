"""The end of the school year of one case: the proposal, and what comes of it."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services import year_ends
from services.year_ends import Settle
from workflows.ports.year_ends import YearEndAsked, YearEndOrder, YearEndSettled, YearEndSettlement


class YearEndActivities:
    """People are asked; when the new year begins, what they chose is written down."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def ask_year_end(self, order: YearEndOrder) -> YearEndAsked:
        async with self._sessions.tenant(order.tenant_id) as session:
            at = await year_ends.ask(session, case_of(order), order.begins)
        return YearEndAsked(begins_at=at)

    @activity.defn
    async def settle_year_end(self, order: YearEndSettlement) -> YearEndSettled:
        wanted = Settle(order.begins, order.choice, order.by, order.put_down)
        async with self._sessions.tenant(order.tenant_id) as session:
            began = await year_ends.settle(session, case_of(order), wanted)
        return YearEndSettled(first_open=began.first_open, quiet_until=began.quiet_until)
