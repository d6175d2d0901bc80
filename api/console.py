"""How a browser is known: its cookie, the token its writes must carry, and where they must come from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from api.errors import TooMany, Unauthenticated
from api.security import Claims
from gateways.rate_limits import RateLimits
from gateways.sign_in_attempts import LASTS, Attempt, Attempts
from models.session import Sessions
from rules.access.sessions import fingerprint, proves
from rules.errors import Forbidden
from services import console_sessions
from services.console_sessions import Standing
from services.sign_in import Wanted

# __Host-: sent over TLS (or to this machine) only, to this host alone, and no neighbouring host can set it
COOKIE: Final = "__Host-handrail"
ATTEMPT: Final = "__Host-handrail-in-"
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Console:
    """What a deployment needs for signing in by browser."""

    public_url: str
    attempts: Attempts
    knocks: RateLimits

    def knock(self, request: Request, door: str, *, counting: bool = True) -> None:
        """Count one knock of this address; TooMany says when to come back."""
        address = request.client.host if request.client else "unknown"
        wait = self.knocks.wait(door, address, counting=counting)
        if wait is not None:
            raise TooMany(wait)


async def standing(request: Request, sessions: Sessions, now: datetime) -> Standing:
    """The session of this browser; Unauthenticated when there is none that lasts."""
    value = request.cookies.get(COOKIE)
    found = await console_sessions.resume(sessions, value, now=now) if value else None
    if found is None:
        raise Unauthenticated("session_ended", "You are signed out here; sign in at /auth/sign-in.")
    return found


async def claims(request: Request, sessions: Sessions, wanted: Wanted, now: datetime) -> Claims:
    """Who asks by cookie, for the API: a write proves that it comes from a page of ours."""
    found = await standing(request, sessions, now)
    if request.method not in READS:
        must_be_ours(request, request.headers.get(CSRF_HEADER))
    if wanted.tenant_key not in {None, found.tenant_key}:
        raise Forbidden("session_speaks_otherwise", f"You are signed in to {found.tenant_key} only.")
    role = found.role_for(wanted)
    return Claims(found.tenant_key, found.person_key, role, within=found.reach[role])


def must_be_ours(request: Request, token: str | None) -> None:
    """Refuse a write that another site could have made a browser send."""
    _same_origin(request)
    if not proves(request.cookies.get(COOKIE, ""), token):
        raise Forbidden("csrf_refused", f"A write by cookie needs this session's {CSRF_HEADER}; load the page again.")


def _same_origin(request: Request) -> None:
    """Every browser says where a write comes from; what says nothing is no browser, or very old: the token decides."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc not in _own_hosts(request)
    if foreign or site not in {None, "same-origin", "none"}:
        raise Forbidden("csrf_refused", "This was sent from another site; open Handrail itself and do it there.")


def _own_hosts(request: Request) -> set[str]:
    console = request.app.state.parts.console
    named = {urlsplit(console.public_url).netloc} if isinstance(console, Console) else set()
    return {request.headers.get("host", ""), *named}


def from_our_page(request: Request) -> None:
    """The same for a sign-in, which has no session yet: nobody may sign a browser in as somebody else."""
    _same_origin(request)


def sign_in_cookie(response: Response, value: str) -> None:
    """Give the browser its session; it forgets it with its window, we end it before."""
    response.set_cookie(COOKIE, value, path="/", secure=True, httponly=True, samesite="lax")


def sign_out_cookie(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def attempt_name(state: str) -> str:
    """The cookie of one attempt: two tabs may sign in at once."""
    return f"{ATTEMPT}{fingerprint(state)[:16]}"


def keep_attempt(response: Response, console: Console, attempt: Attempt, now: datetime) -> None:
    """Leave the attempt with the browser that began it."""
    response.set_cookie(
        attempt_name(attempt.state),
        console.attempts.sealed(attempt, now),
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


def kept_attempt(request: Request, console: Console, state: str, now: datetime) -> Attempt:
    """The attempt this browser began with this state; Forbidden when it began none."""
    value = request.cookies.get(attempt_name(state))
    found = console.attempts.opened(value, now) if value else None
    if found is None:
        raise Forbidden("sign_in_unknown", "This browser began no such sign-in in the last ten minutes; begin again.")
    return found
