"""A report holds its facts, sentences and tables, over as many pages as it needs."""

from dataclasses import replace
from datetime import date

import pytest

from letters.chronology import Fact
from letters.errors import TooManyPages
from letters.report import Report, Section, render_report
from tests.letters.pages import in_order, texts

ROWS = [(f"Row number {n}", "Aoife Byrne") for n in range(90)]
REPORT = Report(
    title="Compliance report",
    house="Gaelscoil Átha Cliath",
    reference="Compliance 2026",
    prepared_on=date(2026, 11, 20),
    facts=[Fact("Period", "everything"), Fact("Prepared by", "فاطمة")],
    sections=[
        Section("What was done", ("In the order of days.",), ("What", "By"), ROWS),
        Section("Still open", columns=("What", "By"), nothing="Nothing is open."),
    ],
)


def test_every_row_stands_in_order_with_headings_on_every_page() -> None:
    made = render_report(REPORT)
    rows = [f"Row number {n} Aoife" for n in range(90)]
    assert made.pages == in_order(made.content, rows, "What") > 2


def test_page_one_says_whose_report_it_is_and_when_it_was_made() -> None:
    first = texts(render_report(REPORT).content)[0]
    for words in ("Gaelscoil Átha Cliath", "Compliance report", "20 November 2026", "In the order of days."):
        assert words in first


def test_a_table_without_rows_says_so() -> None:
    assert "Nothing is open." in texts(render_report(REPORT).content)[-1]


def test_the_same_report_is_the_same_bytes() -> None:
    assert render_report(REPORT).sha256 == render_report(replace(REPORT)).sha256


def test_a_report_of_more_pages_than_anybody_reads_is_refused() -> None:
    endless = replace(REPORT, sections=[Section("All", (), ("What", "By"), ROWS * 40)])
    with pytest.raises(TooManyPages):
        render_report(endless)
