"""What a route asks for: a permitted caller, one unit of work, the parts that the composition root built."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api import console
from api.console import Console
from api.errors import Unauthenticated
from api.security import AUDIENCE, Claims, TokenVerifier, asked_for, bearer, loopback
from gateways.identity_provider import IdentityProviders
from models.session import Session, Sessions
from orchestration.handles import CaseHandles
from rules.access.permissions import Permission
from rules.access.policy import Principal, Resource, may, may_ever
from rules.errors import Forbidden, NotFound, Unavailable
from rules.ids import StudentId
from services import people
from services.context import Actor
from services.means import Means
from services.people import Identity
from services.sign_in import Deployment

BEARER: Final = HTTPBearer(auto_error=False, description="A bearer token; `handrail token --as ROLE` makes one.")
SIGNED_IN: Final = APIKeyCookie(
    name=console.COOKIE,
    auto_error=False,
    description=f"The console's own session (/auth/sign-in); a write also carries {console.CSRF_HEADER}.",
)
Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class ApiDependencies:
    """Everything the API is given; nothing below it reads settings, opens a connection or looks at a clock."""

    sessions: Sessions
    tokens: TokenVerifier
    clock: Callable[[], datetime]
    cases: CaseHandles | None = None
    means: Means | None = None
    probes: Mapping[str, Probe] = field(default_factory=dict)
    providers: IdentityProviders = field(default_factory=lambda: IdentityProviders([]))
    console: Console | None = None
    deployment: Deployment = field(default_factory=lambda: Deployment(None, AUDIENCE))
    loopback_webhooks: bool = False
    operator_tenant: str | None = None

    @property
    def working(self) -> Means:
        """Store, keys and threads; a process without them says so."""
        if self.means is None:
            raise Unavailable("storage_unavailable", "The document store is not connected; try again later.")
        return self.means


@dataclass(frozen=True)
class Caller:
    """Who asks, and for what: already known to hold the permission, not yet known to reach the thing.

    `reached` gathers the students whose record they were let in to; `api/view_log.py` adds whom the answer names.
    """

    actor: Actor
    principal: Principal
    permission: Permission
    now: datetime
    reached: set[StudentId] = field(default_factory=set, compare=False)

    def must(self, resource: Resource) -> None:
        """Refuse unless the policy allows this caller this permission on this thing."""
        decision = may(self.principal, self.permission, resource)
        if decision.code == "other_tenant":
            raise NotFound("not_found", "There is no such thing here.")
        if not decision.allowed:
            raise Forbidden(decision.code, decision.reason)
        if resource.student_id is not None:
            self.reached.add(resource.student_id)


def parts(request: Request) -> ApiDependencies:
    """The parts of this application."""
    found = request.app.state.parts
    assert isinstance(found, ApiDependencies)
    return found


Parts = Annotated[ApiDependencies, Depends(parts)]


@dataclass(frozen=True)
class Permit:
    """Dependency of every route: the caller behind the token, refused unless the role holds the permission."""

    permission: Permission

    async def __call__(
        self,
        request: Request,
        given: Parts,
        _bearer_in_the_documents: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
        _cookie_in_the_documents: Annotated[str | None, Security(SIGNED_IN)],
    ) -> Caller:
        refuse_strangers(request, given)
        now = given.clock()
        claims = await _claims(request, given, now)
        async with given.sessions.untenanted() as session:
            tenant_id = await people.open_tenant(session, claims.tenant_key)
        if tenant_id is None:
            raise _unknown()
        async with given.sessions.tenant(tenant_id) as session:
            identity = await people.identify(session, claims.person_key, claims.role, on=now.date())
        if identity is None:
            raise _unknown()
        self._allow(claims)
        caller = self._caller(request, identity.narrowed(claims.within), now)
        request.state.caller = caller
        return caller

    def _allow(self, claims: Claims) -> None:
        decision = may_ever(claims.role, self.permission)
        if not decision.allowed:
            raise Forbidden(decision.code, decision.reason)
        if claims.scopes is not None and self.permission not in claims.scopes:
            listed = ", ".join(sorted(claims.scopes))
            raise Forbidden(
                "scope_missing", f"{self.permission} is not among the scopes of this service account: {listed}."
            )

    def _caller(self, request: Request, identity: Identity, now: datetime) -> Caller:
        principal = identity.principal
        actor = Actor(
            tenant_id=principal.tenant_id,
            person_id=principal.person_id,
            role=principal.role.value,
            display=identity.display,
            request_id=request.state.request_id,
            source="api",
        )
        return Caller(actor, principal, self.permission, now)


async def _claims(request: Request, given: ApiDependencies, now: datetime) -> Claims:
    """Who asks: by bearer token, or by the cookie of a browser that signed in."""
    wanted = asked_for(request.headers, request.state.request_id)
    headers = request.headers.getlist("authorization")
    if not headers and console.COOKIE in request.cookies:
        return await console.claims(request, given.sessions, wanted, now)
    return await given.tokens.verify(bearer(headers), wanted)


def refuse_strangers(request: Request, given: ApiDependencies) -> None:
    """The demo's sign-in answers on this machine's own address only, whatever address the server was bound to.

    The name in the address is looked at as well: a page elsewhere may let its own name point to 127.0.0.1.
    """
    if not given.tokens.loopback_only:
        return
    if not (loopback((request.scope.get("server") or ("",))[0]) and loopback(request.url.hostname or "")):
        raise Unauthenticated("demo_sign_in_local", "The demo's sign-in answers on 127.0.0.1 only; connect there.")


def _unknown() -> Unauthenticated:
    return Unauthenticated(
        "person_unknown", "The token names no active person with this role here; sign in again or ask an administrator."
    )


def permit(permission: Permission) -> Any:
    """What stands beside `Caller` in a route, naming the permission the route needs."""
    return Depends(Permit(permission))


async def unit_of_work(request: Request, given: Parts) -> Session:
    """The request's one transaction for the caller's tenant; the route class commits it before the answer leaves."""
    caller = getattr(request.state, "caller", None)
    assert isinstance(caller, Caller), "a route names its Permit before its Work"
    session = await request.state.stack.enter_async_context(given.sessions.tenant(caller.actor.tenant_id))
    assert isinstance(session, Session)
    request.state.work = session
    return session


Work = Annotated[Session, Depends(unit_of_work)]
