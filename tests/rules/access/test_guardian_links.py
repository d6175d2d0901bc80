"""Widening what an adult may know, as examples."""

from datetime import date
from typing import Any

import pytest

from rules.access.guardian_links import widenings

JUNE, JULY = date(2027, 6, 30), date(2027, 7, 31)
ORDER: dict[str, Any] = {"order_kind": "NO_CONTACT"}


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        ({}, {"may_receive_letters": True}, {"may_receive_letters"}),
        ({}, {"may_receive_letters": False, "lives_with": None}, set()),
        ({"may_receive_letters": None}, {"may_receive_letters": True}, {"may_receive_letters"}),
        ({"may_receive_letters": True}, {"may_receive_letters": False}, set()),
        ({"may_use_portal": True}, {"may_use_portal": True}, set()),
        ({"address_confidential": True}, {"address_confidential": False}, {"address_confidential"}),
        ({"address_confidential": False}, {"address_confidential": True}, set()),
        ({"contact_via": "social worker"}, {"contact_via": "self"}, {"contact_via"}),
        ({"contact_via": "self"}, {"contact_via": "carer"}, set()),
        (ORDER, {}, {"order_kind"}),
        (
            ORDER | {"order_to": JULY},
            ORDER | {"order_to": JUNE},
            {"order_kind"},
        ),
        (ORDER | {"order_to": JUNE}, ORDER | {"order_to": JULY}, set()),
        (ORDER | {"order_to": JUNE}, ORDER, set()),
        ({"valid_to": JUNE}, {"valid_to": None}, {"valid_to"}),
        ({"valid_to": JUNE}, {"valid_to": JULY}, {"valid_to"}),
        ({"valid_to": None, "lives_with": True}, {"valid_to": JUNE, "lives_with": True}, set()),
    ],
)
def test_what_widens(before: dict[str, Any], after: dict[str, Any], wider: set[str]) -> None:
    assert widenings(before, after) == wider
