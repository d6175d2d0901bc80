"""Tenants: made, suspended and resumed by the operator; settings read and replaced by the tenant's administrators."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from api.commands import CommandKey, HandrailRoute
from api.dependencies import ApiDependencies, Caller, Parts, Work, permit
from api.etags import IfMatch, tagged, unchanged
from api.schemas.shared import ReasonIn
from api.schemas.tenants import TenantIn, TenantOut, TenantSettingsIn, TenantSettingsOut
from models.session import Session
from rules.access.permissions import Permission
from rules.access.policy import Resource
from rules.errors import Conflict, Forbidden
from rules.ids import TenantId
from services import tenant_export, tenant_settings, tenants
from services.audit import Act
from services.tenant_settings import Operator
from services.tenants import Administrator, NewTenant, Stand, TenantStanding

router = APIRouter(tags=["governance"], route_class=HandrailRoute)
ZIP: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A zip with tables, documents, audit and a manifest.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _operates(caller: Caller, given: ApiDependencies) -> None:
    """Only administrators of the tenant that this installation names as its operator's."""
    async with given.sessions.untenanted() as session:
        own = await tenants.known(session, given.operator_tenant) if given.operator_tenant else None
    if own is None or own.id != caller.principal.tenant_id:
        raise Forbidden(
            "not_operator",
            "Only the operator of this installation manages tenants; ask them, or use `handrail tenant`.",
        )
    caller.must(Resource(TenantId(own.id), whole_tenant=True))


@router.post("/tenants", status_code=201)
async def create_tenant(
    body: TenantIn, caller: Annotated[Caller, permit(Permission.TENANT_MANAGE)], _key: CommandKey, given: Parts
) -> TenantOut:
    """Make a tenant with the shipped templates and rules, and its first administrator."""
    await _operates(caller, given)
    wish = NewTenant(body.key, body.name, body.country, body.timezone)
    async with given.sessions.untenanted() as session:
        tenant, made = await tenants.establish(session, wish, caller.actor.request_id, now=caller.now)
        if not made:
            raise Conflict("tenant_exists", f"There is a tenant {body.key} already: choose another key.")
        if body.administrator is not None:
            first = Administrator(body.administrator.subject, body.administrator.display_name)
            await tenants.appoint(session, tenants.as_guest(caller.actor, tenant.id), first, now=caller.now)
        act = Act("create_tenant", "tenant", tenant.id, after={"key": tenant.key})
        await tenants.in_both_trails(session, caller.actor, tenant, act, now=caller.now)
        return TenantOut.model_validate(tenant)


async def _stand(caller: Caller, given: ApiDependencies, command: Stand) -> TenantOut:
    await _operates(caller, given)
    async with given.sessions.untenanted() as session:
        return TenantOut.model_validate(await tenants.stand(session, caller.actor, command, now=caller.now))


@router.post("/tenants/{tenant_id:uuid}/suspend")
async def suspend_tenant(
    tenant_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.TENANT_MANAGE)],
    _key: CommandKey,
    given: Parts,
) -> TenantOut:
    """Answer nobody of it any more; its running cases wait where they are, and nothing of it goes out."""
    return await _stand(caller, given, Stand(tenant_id, TenantStanding.SUSPENDED, body.reason))


@router.post("/tenants/{tenant_id:uuid}/resume")
async def resume_tenant(
    tenant_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.TENANT_MANAGE)],
    _key: CommandKey,
    given: Parts,
) -> TenantOut:
    """Serve it again; what waited goes on."""
    return await _stand(caller, given, Stand(tenant_id, TenantStanding.ACTIVE, body.reason))


@router.post("/tenants/{tenant_id:uuid}/export", response_class=StreamingResponse, responses=ZIP)
async def export_tenant(
    tenant_id: UUID, caller: Annotated[Caller, permit(Permission.TENANT_EXPORT)], given: Parts
) -> StreamingResponse:
    """Everything of your tenant as one zip: tables as CSV, documents, audit, and a manifest with hashes."""
    caller.must(Resource(TenantId(tenant_id), whole_tenant=True))
    pieces = tenant_export.exported(given.working, caller.actor, now=caller.now)
    name = {"Content-Disposition": f'attachment; filename="{tenant_export.named(tenant_id)}"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=name)


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
