"""Who may receive what: the first reason against it is named; what nobody has said is held, never sent."""

from dataclasses import replace
from datetime import date

import pytest

from rules.delivery.entitlement import ENTITLED, Link, Order, Standing, all_of, entitlement

TODAY = date(2026, 11, 20)
YESTERDAY, TOMORROW = date(2026, 11, 19), date(2026, 11, 21)
MOTHER = Link(
    may_receive=True,
    parental_responsibility=True,
    valid_from=None,
    valid_to=None,
    order=None,
    deceased=False,
    widening_unconfirmed=False,
)


def test_a_guardian_with_everything_said_receives() -> None:
    assert entitlement(MOTHER, TODAY) == ENTITLED
    assert entitlement(replace(MOTHER, valid_from=TODAY, valid_to=TODAY), TODAY) == ENTITLED


@pytest.mark.parametrize(
    ("link", "standing", "reason"),
    [
        (replace(MOTHER, deceased=True, may_receive=None), Standing.NOT_ENTITLED, "deceased"),
        (replace(MOTHER, valid_to=YESTERDAY), Standing.NOT_ENTITLED, "link_not_in_force"),
        (replace(MOTHER, valid_from=TOMORROW), Standing.NOT_ENTITLED, "link_not_in_force"),
        (replace(MOTHER, order=Order("no contact", None, None)), Standing.NOT_ENTITLED, "order_in_force"),
        (replace(MOTHER, order=Order("no contact", TODAY, TODAY)), Standing.NOT_ENTITLED, "order_in_force"),
        (replace(MOTHER, may_receive=False), Standing.NOT_ENTITLED, "not_entitled"),
        (replace(MOTHER, may_receive=None), Standing.UNKNOWN, "entitlement_unknown"),
        (replace(MOTHER, widening_unconfirmed=True), Standing.UNKNOWN, "change_not_confirmed"),
    ],
)
def test_the_first_reason_against_it_is_named(link: Link, standing: Standing, reason: str) -> None:
    found = entitlement(link, TODAY)
    assert (found.standing, found.reason) == (standing, reason)


@pytest.mark.parametrize("order", [Order("no contact", None, YESTERDAY), Order("no contact", TOMORROW, None)])
def test_an_order_binds_between_its_dates_only(order: Order) -> None:
    assert entitlement(replace(MOTHER, order=order), TODAY) == ENTITLED


@pytest.mark.parametrize(
    "said",
    [(True, True, True), (True, None, None), (None, None, None), (None, False, False), (True, False, False)],
)
def test_what_nobody_has_said_is_open_unless_something_else_speaks_against_it(
    said: tuple[bool | None, bool | None, bool | None],
) -> None:
    one, other, answer = said
    assert all_of(one, other) is answer
    assert all_of(other, one) is answer
