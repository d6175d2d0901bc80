"""Pointers: how long a link or code that leads one guardian to one thing opens it (safeguards.md section 4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

LONGEST_DAYS: Final = 14
USUAL_DAYS: Final = 7
CODE_DIGITS: Final = 6
CODE_LASTS: Final = timedelta(minutes=10)
TRIES: Final = 5
IDLE: Final = timedelta(minutes=20)
# whoever holds a link could otherwise fill a stranger's inbox with codes
CODES: Final = 5
CODES_WITHIN: Final = timedelta(days=1)


class PointerKind(StrEnum):
    """The one thing a pointer leads to."""

    LETTER = "LETTER"
    FAMILY_COPY = "FAMILY_COPY"


class PointerEnd(StrEnum):
    """Why a pointer opens nothing any more, before its time."""

    WITHDRAWN = "WITHDRAWN"
    CONTACT_STOP = "CONTACT_STOP"
    GUESSED = "GUESSED"


class PointerState(StrEnum):
    """How a pointer stands, as staff see it."""

    OPEN = "OPEN"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"
    CONTACT_STOP = "CONTACT_STOP"
    GUESSED = "GUESSED"


def state(expires_at: datetime, ended: PointerEnd | None, now: datetime) -> PointerState:
    """How a pointer stands at an instant."""
    if ended is not None:
        return PointerState(ended.value)
    return PointerState.OPEN if now < expires_at else PointerState.EXPIRED


@dataclass(frozen=True, slots=True)
class Visit:
    """One code that was sent, and the browser that gave it back."""

    sent_at: datetime
    proved_at: datetime | None = None
    seen_at: datetime | None = None
    left_at: datetime | None = None

    def takes_code(self, now: datetime) -> bool:
        """Whether its code may still be given: once, and within ten minutes."""
        return self.proved_at is None and now < self.sent_at + CODE_LASTS

    def lasts(self, now: datetime) -> bool:
        """Whether its browser may still look: the code was given, nobody left, and something was done lately."""
        return self.left_at is None and self.seen_at is not None and now < self.seen_at + IDLE
