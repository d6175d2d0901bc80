"""A console session as values: when it ends, what proves that a write comes from our page, where sign-in may lead."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

HOME: Final = "/"
ACCOUNT: Final = "/auth/account"
LONGEST_PATH: Final = 2000
_PATH = re.compile(r"/[!-\[\]-~]*")  # printable, no blank, no backslash: browsers read it as a slash


class SessionEnd(StrEnum):
    """Why a console session is over."""

    SIGN_OUT = "SIGN_OUT"
    ROTATED = "ROTATED"
    IDLE = "IDLE"
    EXPIRED = "EXPIRED"
    RELEASED = "RELEASED"


@dataclass(frozen=True)
class Limits:
    """How long a session lasts without a request, and in all."""

    idle: timedelta
    absolute: timedelta

    def ended(self, started_at: datetime, seen_at: datetime, now: datetime) -> SessionEnd | None:
        """Why the session is over by now; None while it lasts."""
        if now >= started_at + self.absolute:
            return SessionEnd.EXPIRED
        return SessionEnd.IDLE if now >= seen_at + self.idle else None


def csrf_token(session_value: str) -> str:
    """What a write by cookie must carry beside it: follows from the cookie's secret, and leads nowhere back to it."""
    return hmac.new(session_value.encode(), b"handrail csrf", hashlib.sha256).hexdigest()


def proves(session_value: str, given: str | None) -> bool:
    """Whether the token given with a write is the one of this session."""
    return given is not None and hmac.compare_digest(csrf_token(session_value).encode(), given.encode())


def fingerprint(secret: str) -> str:
    """What is stored of a secret: enough to find it again, useless to whoever reads the table."""
    return hashlib.sha256(secret.encode()).hexdigest()


def safe_next(wish: str | None) -> str:
    """The page to go to after sign-in: a path of this house, no step of sign-in itself; anything else leads home."""
    if wish is None or len(wish) > LONGEST_PATH or not _PATH.fullmatch(wish) or wish.startswith("//"):
        return HOME
    parts = urlsplit(wish)
    step = parts.path.startswith("/auth/") and parts.path != ACCOUNT
    return HOME if parts.scheme or parts.netloc or step else wish
