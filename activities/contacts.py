"""Ask a person to speak with the family."""

from temporalio import activity

from activities.boundary import case_of
from models.session import Sessions
from services import contacts
from workflows.ports.contacts import ContactAsked, ContactOrder


class ContactActivities:
    """Opens the task with its call list."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @activity.defn
    async def open_contact(self, order: ContactOrder) -> ContactAsked:
        async with self._sessions.tenant(order.tenant_id) as session:
            asked = await contacts.ask(session, case_of(order), order.stage.within_school_days)
        return ContactAsked(due=asked.due, due_at=asked.due_at)
