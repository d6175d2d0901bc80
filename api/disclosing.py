"""The disclosure log at the edge: whatever a caller from outside the school was shown is written down by itself."""

from collections.abc import Collection
from uuid import UUID

from api.dependencies import Caller
from models.session import Session
from rules.privacy.disclosures import OUTSIDE, Party
from services import disclosures
from services.disclosures import Disclose


async def lines(session: Session, caller: Caller, what: str, student_ids: Collection[UUID]) -> None:
    """One line for each student whose record an answer showed to a guardian, student or external account."""
    party, purpose = OUTSIDE[caller.principal.role]
    guardian_id = caller.principal.guardian_id if party is Party.GUARDIAN else None
    for student_id in sorted(student_ids):
        told = Disclose(student_id, party, purpose, what, guardian_id=guardian_id)
        await disclosures.seen(session, caller.actor, told, now=caller.now)
