"""The person on whose word an operator's command acts."""

from uuid import uuid4

from cli._database import now
from models.session import Session
from rules.access.permissions import GRANTS, Permission
from rules.errors import Forbidden
from rules.ids import TenantId
from services import people
from services.context import Actor

WORDS = {
    Permission.SENDING_SWITCH: "turn the sending switch",
    Permission.ERASURE_WRITE: "erase records",
    Permission.AUDIT_VERIFY: "verify the audit",
}


async def person(session: Session, tenant_id: TenantId, subject: str, permission: Permission) -> Actor:
    """Whoever signs in by this name, in a role that has the permission for the whole tenant."""
    for role in sorted(GRANTS[permission]):
        known = await people.identify(session, subject, role, on=now().date())
        if known is not None and known.principal.school_ids is None:
            of_theirs = known.principal.person_id
            return Actor(tenant_id, of_theirs, role.value, known.display, str(uuid4()), "cli")
    what = WORDS.get(permission, permission.value)
    raise Forbidden("not_permitted", f"{subject!r} may not {what} of this tenant: name who may by --by.")
