"""Signing in and out by browser; pages, not API: everything here answers HTML except `/auth/session`."""

from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from api import console as browser
from api.console import CSRF_FIELD, Console
from api.dependencies import ApiDependencies, Parts, refuse_strangers
from api.html import page
from api.page_routes import PageRoute, fields_of
from api.start_page import Link
from rules.access.permissions import Role
from rules.access.sessions import SessionEnd, csrf_token, safe_next
from rules.errors import DomainError, Forbidden, NotFound, Unavailable
from services import console_sessions, console_sign_in
from services.console_sessions import Standing
from services.console_sign_in import CALLBACK, Answer, ConsoleSignIn
from services.sign_in import Wanted

AGAIN: Final = Link("Sign in again", "/auth/sign-in", "")
SEE_OTHER: Final = 303


class SignInRoute(PageRoute):
    """A refusal of sign-in leads back to its beginning."""

    links = (AGAIN,)


router = APIRouter(prefix="/auth", include_in_schema=False, route_class=SignInRoute)
Next = Annotated[str | None, Query(alias="next")]
TenantKey = Annotated[str | None, Query(max_length=40)]


def _console(given: ApiDependencies) -> Console:
    if given.console is None:
        raise NotFound("no_console", "Nobody signs in by browser at this server.")
    return given.console


def _signing_in(given: ApiDependencies) -> ConsoleSignIn:
    return ConsoleSignIn(given.sessions, given.providers, given.deployment, _console(given).public_url)


@router.get("/sign-in")
async def begin_sign_in(request: Request, given: Parts, tenant: TenantKey = None, wish: Next = None) -> Response:
    """Send the browser to its identity provider; on the demo's machine, ask who it wants to be."""
    console, next_page = _console(given), safe_next(wish)
    console.knock(request, "sign_in")
    if given.tokens.loopback_only:
        refuse_strangers(request, given)
        people = await console_sign_in.personas(given.sessions, given.deployment)
        return page("personas.html", people=people, next_page=next_page)
    begun = await _signing_in(given).begun(tenant or None, next_page)
    if begun is None:
        return page("which.html", next_page=next_page)
    address, attempt = begun
    answer = RedirectResponse(address, SEE_OTHER, headers={"Cache-Control": "no-store"})
    browser.keep_attempt(answer, console, attempt, given.clock())
    return answer


@router.get("/continue")
async def continue_sign_in(given: Parts, tenant: TenantKey = None, wish: Next = None) -> Response:
    """Between the form and the provider: a form's own policy would not let it lead to another host."""
    _console(given)
    asked = urlencode({"tenant": tenant or "", "next": safe_next(wish)})
    return page("continue.html", address=f"/auth/sign-in?{asked}")


@router.get(CALLBACK.removeprefix("/auth"))
@router.get(f"{CALLBACK.removeprefix('/auth')}/{{tenant_key}}")
async def finish_sign_in(
    request: Request,
    given: Parts,
    state: str,
    code: str | None = None,
    iss: str | None = None,
    error: str | None = None,
) -> Response:
    """Take what the identity provider sent back by the browser, and begin a session."""
    console, now = _console(given), given.clock()
    console.knock(request, "sign_in")
    console.knock(request, "refused_sign_in", counting=False)
    answer = Answer(request.url.path, state, code, iss, error)
    try:
        attempt = browser.kept_attempt(request, console, state, now)
        value = await _signing_in(given).finished(attempt, answer, _wanted(request), now=now)
    except DomainError as refusal:
        if not isinstance(refusal, Unavailable):
            console.knock(request, "refused_sign_in")
        raise
    done = await _begun(request, given, value, attempt.next_page)
    done.delete_cookie(browser.attempt_name(state), path="/", secure=True, httponly=True, samesite="lax")
    return done


def _wanted(request: Request) -> Wanted:
    return Wanted(request_id=request.state.request_id)


async def _begun(request: Request, given: ApiDependencies, value: str, next_page: str) -> Response:
    """Leave the session with the browser, whatever it held before is over."""
    now = given.clock()
    before = request.cookies.get(browser.COOKIE)
    held = await console_sessions.resume(given.sessions, before, now=now) if before else None
    if held is not None:
        await console_sessions.end(given.sessions, held, SessionEnd.ROTATED, request.state.request_id, now=now)
    fresh = await console_sessions.resume(given.sessions, value, now=now)
    undecided = fresh is not None and fresh.role is None
    target = f"/auth/account?{urlencode({'next': next_page})}" if undecided else next_page
    answer = RedirectResponse(target, SEE_OTHER, headers={"Cache-Control": "no-store"})
    browser.sign_in_cookie(answer, value)
    return answer


@router.post("/demo")
async def be_persona(request: Request, given: Parts) -> Response:
    """Be somebody of the demo; on this machine only."""
    console = _console(given)
    if not given.tokens.loopback_only:
        raise NotFound("no_personas", "There are no personas here; sign in.")
    refuse_strangers(request, given)
    browser.from_our_page(request)
    console.knock(request, "sign_in")
    fields = await fields_of(request)
    chosen = (fields.get("tenant", ""), fields.get("subject", ""), _role(fields.get("role", "")))
    value = await console_sign_in.as_persona(
        given.sessions, given.deployment, chosen, _wanted(request), now=given.clock()
    )
    return await _begun(request, given, value, safe_next(fields.get("next")))


@router.get("/account")
async def show_account(request: Request, given: Parts, wish: Next = None) -> Response:
    """Who is signed in, in which role; sign out."""
    found = await _standing(request, given, given.clock())
    csrf = csrf_token(request.cookies[browser.COOKIE])
    return page("account.html", standing=found, csrf=csrf, next_page=safe_next(wish))


@router.post("/role")
async def choose_role(request: Request, given: Parts) -> Response:
    """Speak in another of one's roles; the cookie is renewed, because it opens something else from now on."""
    found = await _standing(request, given, given.clock())
    fields = await _ours(request)
    chosen = (_role(fields.get("role", "")), request.state.request_id)
    value = await console_sessions.choose(given.sessions, found, *chosen, now=given.clock())
    answer = RedirectResponse(safe_next(fields.get("next")), SEE_OTHER, headers={"Cache-Control": "no-store"})
    browser.sign_in_cookie(answer, value)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, given: Parts) -> Response:
    """End the session here, and say where the identity provider's own can be ended."""
    found = await _standing(request, given, given.clock())
    await _ours(request)
    ended = (given.sessions, found, SessionEnd.SIGN_OUT, request.state.request_id)
    await console_sessions.end(*ended, now=given.clock())
    answer = page(
        "message.html",
        title="You are signed out",
        detail="Nothing of yours is left in this window.",
        links=[AGAIN, *await _elsewhere(given, found.tenant_key)],
        request_id="",
    )
    browser.sign_out_cookie(answer)
    return answer


async def _elsewhere(given: ApiDependencies, tenant_key: str) -> list[Link]:
    if given.tokens.loopback_only:
        return []
    try:
        address = await _signing_in(given).provider_sign_out(tenant_key)
    except Unavailable:
        return []
    return [Link("Sign out at the identity provider too", address, "")] if address else []


@router.get("/session")
async def read_session(request: Request, given: Parts) -> Response:
    """For the console's own script: who is signed in, until when, and the token that its writes must carry."""
    found = await _standing(request, given, given.clock())
    said = {
        "tenant": found.tenant_key,
        "person": found.display,
        "role": found.role,
        "roles": list(found.reach),
        "csrf_token": csrf_token(request.cookies[browser.COOKIE]),
        "idle_until": found.idle_until.isoformat(),
        "ends_at": found.ends_at.isoformat(),
    }
    return JSONResponse(said, headers={"Cache-Control": "no-store"})


async def _standing(request: Request, given: ApiDependencies, now: datetime) -> Standing:
    _console(given)
    refuse_strangers(request, given)
    return await browser.standing(request, given.sessions, now)


async def _ours(request: Request) -> dict[str, str]:
    """The fields of a form of ours."""
    fields = await fields_of(request)
    browser.must_be_ours(request, fields.get(CSRF_FIELD) or request.headers.get(browser.CSRF_HEADER))
    return fields


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Forbidden("role_not_held", "There is no such role.") from None
