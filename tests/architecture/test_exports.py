"""Every CSV that people open is written by the one module that lets no cell become a formula."""

import csv
import io

import pytest

from rules import csv_lines
from tests.architecture.source import python_files

# COPY for the database, and the invented district's own feed: neither is opened in a spreadsheet
NOT_FOR_PEOPLE = {"models/copying.py", "deploy/local/demo/writer.py", "rules/csv_lines.py"}


@pytest.mark.parametrize(
    "value",
    ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x")', "＝1"],
)
def test_no_cell_is_a_formula(value: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_lines.line([value, "Ann"]), newline=""))
    assert not row[0].lstrip("\t\r\n ").startswith(("=", "+", "-", "@", "＝"))
    assert row[1] == "Ann"


def test_only_that_module_writes_csv() -> None:
    writers = [
        source.name
        for source in python_files()
        if ("csv.writer" in source.text or "DictWriter" in source.text) and source.name not in NOT_FOR_PEOPLE
    ]
    assert not writers
    exports = [source for source in python_files() if '"text/csv' in source.text]
    assert exports, "nothing is exported as CSV: this test has lost its object"
