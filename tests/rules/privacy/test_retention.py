"""How long classes are kept: never shorter than the law, never undecided, never before its day."""

from datetime import date

import pytest

from rules.privacy.retention import (
    Least,
    RecordClass,
    ends_before,
    in_force,
    keepings,
    least_for,
    months_for,
    verified_on,
)

BY_KEY = {keeping.key: keeping for keeping in keepings()}


def test_every_class_has_its_line() -> None:
    assert list(BY_KEY) == list(RecordClass)


@pytest.mark.parametrize(
    ("today", "months", "before"),
    [
        (date(2026, 11, 20), 72, date(2020, 11, 20)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2027, 3, 31), 1, date(2027, 2, 28)),
        (date(2027, 1, 15), 3, date(2026, 10, 15)),
    ],
)
def test_what_began_before_the_same_day_so_many_months_ago_has_ended(today: date, months: int, before: date) -> None:
    assert ends_before(today, months) == before


@pytest.mark.parametrize(
    ("jurisdiction", "chosen", "months"),
    [
        ("GB-ENG", 24, 72),
        ("GB-ENG", 84, 84),
        ("GB", 24, 72),
        ("GB-SCT", 24, 24),
        ("IE", 24, 24),
        (None, 24, 24),
        ("GB-ENG", None, None),
    ],
)
def test_a_choice_never_goes_below_what_the_law_asks(
    jurisdiction: str | None, chosen: int | None, months: int | None
) -> None:
    decided = {} if chosen is None else {RecordClass.REGISTER: chosen}
    assert months_for(BY_KEY[RecordClass.REGISTER], jurisdiction, decided) == months


def test_a_country_of_which_nobody_said_the_part_is_bound_by_the_longest_of_its_parts() -> None:
    least = least_for(BY_KEY[RecordClass.STUDENT_RECORD], "US")
    assert least is not None
    assert (least.jurisdiction, least.months) == ("US-TX", 84)


@pytest.mark.parametrize(
    ("jurisdiction", "told", "may_end"),
    [
        ("GB-ENG", {}, False),
        ("GB-ENG", {"GB-ENG": date(2026, 11, 20)}, True),
        ("GB-ENG", {"US-TX": date(2026, 11, 20)}, False),
        ("US", {"US-TX": date(2026, 11, 20)}, False),
        ("US", {"US-TX": date(2026, 11, 20), "US-CA": date(2026, 11, 19)}, True),
        ("IE", {}, True),
        (None, {}, True),
    ],
)
def test_by_a_laws_period_nothing_ends_before_somebody_has_read_it(
    jurisdiction: str | None,
    told: dict[str, date],
    may_end: bool,  # noqa: FBT001
) -> None:
    keeping = BY_KEY[RecordClass.STUDENT_RECORD]
    assert in_force(keeping, jurisdiction, told) is may_end


def test_the_day_a_law_was_read_is_ours_or_the_tenants() -> None:
    ours = Least(jurisdiction="GB-ENG", months=72, cite="reg. 1", checked_on=date(2026, 1, 2))
    theirs = ours.model_copy(update={"checked_on": None})
    told = {"GB-ENG": date(2026, 3, 4)}
    assert (verified_on(ours, told), verified_on(theirs, told), verified_on(theirs, {})) == (
        date(2026, 1, 2),
        date(2026, 3, 4),
        None,
    )


def test_what_only_handrail_needs_ends_by_itself_and_a_childs_record_does_not() -> None:
    by_itself = {key for key, keeping in BY_KEY.items() if months_for(keeping, None, {}) is not None}
    kept = {RecordClass.REGISTER, RecordClass.STUDENT_RECORD, RecordClass.BEHAVIOUR}
    assert by_itself == set(RecordClass) - kept
