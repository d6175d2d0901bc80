"""A tenant's settings: read, and replaced by whoever saw what they replace."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api.commands import HandrailRoute
from api.dependencies import Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.schemas.tenants import TenantSettingsIn, TenantSettingsOut
from models.session import Session
from rules.access.permissions import Permission
from rules.access.policy import Resource
from rules.ids import TenantId
from services import tenant_settings
from services.tenant_settings import Operator

router = APIRouter(tags=["governance"], route_class=HandrailRoute)


async def _shown(session: Session, tenant_id: UUID) -> TenantSettingsOut:
    return TenantSettingsOut(tenant_id=tenant_id, settings=await tenant_settings.read(session, tenant_id))


@router.get("/tenants/{tenant_id:uuid}/settings")
async def read_tenant_settings(
    tenant_id: UUID,
    caller: Annotated[Caller, permit(Permission.TENANT_SETTINGS_READ)],
    session: Work,
    response: Response,
) -> TenantSettingsOut:
    """Every section with its defaults, and the ETag that an edit needs."""
    caller.must(Resource(TenantId(tenant_id), whole_tenant=True))
    return tagged(response, await _shown(session, tenant_id))


@router.put("/tenants/{tenant_id:uuid}/settings")
async def put_tenant_settings(
    tenant_id: UUID,
    body: TenantSettingsIn,
    caller: Annotated[Caller, permit(Permission.TENANT_SETTINGS_WRITE)],
    session: Work,
    given: Parts,
    response: Response,
    if_match: IfMatch = None,
) -> TenantSettingsOut:
    """Replace the settings; sign-in follows at once, a case reads the ladder's part when it starts."""
    caller.must(Resource(TenantId(tenant_id), whole_tenant=True))
    await tenant_settings.lock(session, tenant_id)
    unchanged(if_match, await _shown(session, tenant_id))
    operator = Operator(given.providers.allows, frozenset(given.deployment.client_secrets))
    await tenant_settings.permitted(session, tenant_id, body.settings, operator)
    await tenant_settings.replace(session, caller.actor, body.settings, body.reason, now=caller.now)
    return tagged(response, await _shown(session, tenant_id))
