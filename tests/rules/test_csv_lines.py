"""CSV for spreadsheets: what was written is what is read, and nothing calculates."""

import csv
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.csv_lines import cell, line


@pytest.mark.parametrize(
    "said",
    [
        "=HYPERLINK(1)",
        "+44 20",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\ufeff=1",
        "\u00a0@x",
        "\uff1d1+1",
    ],
)
def test_no_cell_is_a_formula(said: str) -> None:
    assert cell(said) == f"'{said}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-3, "-3"),
        (date(2026, 11, 20), "2026-11-20"),
        (datetime(2026, 11, 20, 9, 30, tzinfo=UTC), "2026-11-20T09:30:00+00:00"),
        ("Ann = Bob", "Ann = Bob"),
    ],
)
def test_a_value_stays_what_it_is(value: object, said: str) -> None:
    assert cell(value) == said


def test_a_line_is_quoted_where_it_must_be_and_ends_as_the_standard_says() -> None:
    assert line([None, 'Ann "A", Oak', "=1", 3]) == ',"Ann ""A"", Oak",\'=1,3\r\n'


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=2))
def test_a_line_is_read_back_as_its_cells(values: list[str]) -> None:
    (read,) = csv.reader(StringIO(line(values), newline=""))
    assert read == [cell(value) for value in values]
    assert not any(one.startswith(("=", "+", "-", "@", "\t", "\r")) for one in read)
