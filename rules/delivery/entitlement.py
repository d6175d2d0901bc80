"""Who may receive what about a student (safeguards.md section 2): unknown is held and asked, never sent."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Purpose(StrEnum):
    """What a guardian would receive."""

    LETTERS = "letters"
    NOTICES = "notices"
    MEETINGS = "meetings"
    PORTAL = "portal"
    CALLS = "calls"


class Standing(StrEnum):
    """Whether this guardian may receive it."""

    ENTITLED = "entitled"
    NOT_ENTITLED = "not_entitled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """A court or other order that limits contact, in force between its dates (open where a date is missing)."""

    kind: str
    starts: date | None
    ends: date | None

    def in_force(self, on: date) -> bool:
        """Whether the order binds on a day."""
        return (self.starts is None or self.starts <= on) and (self.ends is None or on <= self.ends)


@dataclass(frozen=True, slots=True)
class Link:
    """The facts of one guardian link that decide entitlement; None means nobody has said yet."""

    may_receive: bool | None
    parental_responsibility: bool | None
    valid_from: date | None
    valid_to: date | None
    order: Order | None
    deceased: bool
    widening_unconfirmed: bool


def all_of(*said: bool | None) -> bool | None:
    """Whether all things hold; what nobody has said yet leaves it open unless another is known not to hold."""
    if False in said:
        return False
    return None if None in said else True


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The answer with its reason as a stable code for the withheld record and the task."""

    standing: Standing
    reason: str


ENTITLED = Entitlement(Standing.ENTITLED, "entitled")


def entitlement(link: Link, on: date) -> Entitlement:
    """Whether a guardian may receive the thing asked about on a day; the first reason against it is named."""
    against = _against(link, on)
    if against:
        return Entitlement(Standing.NOT_ENTITLED, against)
    if link.may_receive is None:
        return Entitlement(Standing.UNKNOWN, "entitlement_unknown")
    if link.widening_unconfirmed:
        return Entitlement(Standing.UNKNOWN, "change_not_confirmed")
    return ENTITLED


def _against(link: Link, on: date) -> str:
    checks = (
        ("deceased", link.deceased),
        ("link_not_in_force", not _in_force(link, on)),
        ("order_in_force", link.order is not None and link.order.in_force(on)),
        ("not_entitled", link.may_receive is False),
    )
    return next((reason for reason, holds in checks if holds), "")


def _in_force(link: Link, on: date) -> bool:
    return (link.valid_from is None or link.valid_from <= on) and (link.valid_to is None or on <= link.valid_to)
