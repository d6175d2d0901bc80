"""What can be wrong with a register: row issues that are kept and told, structural problems that refuse a file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rules.errors import Invalid

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters no field may hold; tabs and line breaks inside quotes are allowed."""
_SHOWN_LENGTH = 40


class IssueKind(StrEnum):
    """A stable word for each kind of row issue; `ADVICE` says what to do about it."""

    UNKNOWN_CODE = "UNKNOWN_CODE"
    MARK_ON_CLOSED_SESSION = "MARK_ON_CLOSED_SESSION"
    MARK_WHILE_NOT_ENROLLED = "MARK_WHILE_NOT_ENROLLED"
    MARKS_WITHOUT_ENROLMENT = "MARKS_WITHOUT_ENROLMENT"
    NO_CALENDAR = "NO_CALENDAR"
    CONTROL_CHARACTER = "CONTROL_CHARACTER"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"
    EXCEL_SERIAL_DATE = "EXCEL_SERIAL_DATE"
    BAD_DATE = "BAD_DATE"
    BAD_INSTANT = "BAD_INSTANT"
    BAD_NUMBER = "BAD_NUMBER"
    BAD_VALUE = "BAD_VALUE"
    MISSING_VALUE = "MISSING_VALUE"
    SENTINEL_VALUE = "SENTINEL_VALUE"
    UNKNOWN_SCHOOL = "UNKNOWN_SCHOOL"
    UNKNOWN_STUDENT = "UNKNOWN_STUDENT"
    UNKNOWN_GUARDIAN = "UNKNOWN_GUARDIAN"
    FUTURE_DATE = "FUTURE_DATE"
    IGNORED_COLUMN = "IGNORED_COLUMN"
    NO_ROWS = "NO_ROWS"
    UNDECLARED_ATTRIBUTE = "UNDECLARED_ATTRIBUTE"


ADVICE: Mapping[IssueKind, str] = {
    IssueKind.UNKNOWN_CODE: "map the code in code_map.csv; until then the session is left out",
    IssueKind.MARK_ON_CLOSED_SESSION: "open the session in calendar.csv, or withdraw the mark",
    IssueKind.MARK_WHILE_NOT_ENROLLED: "extend the enrolment, or withdraw the mark",
    IssueKind.MARKS_WITHOUT_ENROLMENT: "enrol the student at this school, or correct the id; ids are never guessed",
    IssueKind.NO_CALENDAR: "add the school's open sessions to calendar.csv; without them nothing is scheduled",
    IssueKind.CONTROL_CHARACTER: "remove the control character and send the row again",
    IssueKind.UNKNOWN_SESSION: "write AM, PM or DAY",
    IssueKind.EXCEL_SERIAL_DATE: "write YYYY-MM-DD, or declare excel_dates for the source",
    IssueKind.BAD_DATE: "write YYYY-MM-DD, or declare the source's date_order",
    IssueKind.BAD_INSTANT: "write the instant as 2024-09-03T09:00:00Z, or with an offset",
    IssueKind.BAD_NUMBER: "write a whole number, or leave the field empty",
    IssueKind.BAD_VALUE: "write one of the values the format allows",
    IssueKind.MISSING_VALUE: "fill in the field; it may not be empty",
    IssueKind.SENTINEL_VALUE: "a stand-in for a missing value is not zero: leave the field empty",
    IssueKind.UNKNOWN_SCHOOL: "add the school to schools.csv, or correct the id",
    IssueKind.UNKNOWN_STUDENT: (
        "add the student to students.csv, and enrolments and marks set aside come in by themselves, or correct the id"
        " and send the row again; ids are never guessed"
    ),
    IssueKind.UNKNOWN_GUARDIAN: "add the guardian to guardians.csv, or correct the id",
    IssueKind.FUTURE_DATE: "the mark is kept and counts when its date has come",
    IssueKind.IGNORED_COLUMN: "nothing reads this column",
    IssueKind.UNDECLARED_ATTRIBUTE: (
        "nothing of these rows was kept: name the kind in the tenant's settings (fairness.kinds) with its assessment,"
        " or leave it out of the file"
    ),
    IssueKind.NO_ROWS: "the file holds a header only: check that it was sent whole",
}


def advice(kind: str) -> str:
    """What to do about issues of this kind."""
    return ADVICE[IssueKind(kind)]


@dataclass(frozen=True, slots=True)
class Issue:
    """One line of issues.csv; `detail` never holds a person's name."""

    kind: IssueKind
    student_id: str
    school_id: str
    day: str
    detail: str


def structural(file: str, row: int, column: str, what: str) -> Invalid:
    """A problem that refuses the whole file: the place, and what to do about it."""
    place = ", ".join([file, *([f"row {row}"] if row else []), *([f"column {column}"] if column else [])])
    return Invalid("csv_structure", f"{place}: {what}", fields={place: what})


def together(problems: Sequence[Invalid]) -> Invalid:
    """Several structural problems as one error, each with its own place."""
    fields = {place: what for problem in problems for place, what in problem.fields.items()}
    return Invalid("csv_structure", "; ".join(problem.message for problem in problems), fields=fields)


def printable(text: str) -> str:
    """A field as an error may quote it: short, and without control characters or line breaks."""
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return clean if len(clean) <= _SHOWN_LENGTH else f"{clean[:_SHOWN_LENGTH]}..."
