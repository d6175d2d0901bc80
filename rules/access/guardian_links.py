"""Which changes of a guardian link widen what an adult may know, and therefore need a second person."""

from collections.abc import Mapping
from datetime import date
from typing import Any

# True is wider than False, and wider than unknown: unknown sends nothing (safeguards.md section 2)
_WIDER_WHEN_TRUE = (
    "parental_responsibility",
    "lives_with",
    "may_receive_letters",
    "may_use_portal",
    "may_attend_meetings",
    "may_receive_calls",
)


def widenings(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """The fields whose change lets the adult know or receive more; `before` is empty for a new link."""
    found = {name for name in _WIDER_WHEN_TRUE if after.get(name) is True and before.get(name) is not True}
    if before.get("address_confidential") and not after.get("address_confidential"):
        found.add("address_confidential")
    if before.get("contact_via", "self") != "self" and after.get("contact_via", "self") == "self":
        found.add("contact_via")
    if before.get("order_kind") and _order_weakened(before, after):
        found.add("order_kind")
    if before and _later(before.get("valid_to"), after.get("valid_to")):
        found.add("valid_to")
    return frozenset(found)


def _order_weakened(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return after.get("order_kind") != before["order_kind"] or _later(after.get("order_to"), before.get("order_to"))


def _later(first: date | None, second: date | None) -> bool:
    """Whether the second end is later than the first; no end is the latest."""
    if first is None:
        return False
    return second is None or second > first
