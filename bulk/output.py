"""The text of summaries.csv, decisions.csv and issues.csv: the columns, forms and CRLF line ends of the contract."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bulk.district import STATUSES, District
from bulk.evaluation import Outcome, Summaries
from bulk.verdicts import half_text
from bulk.vocabulary import Ints, day_text
from rules.attendance.quality import Issue

SUMMARY_COLUMNS = (
    "student_id,school_id,date,am_status,pm_status,am_code,pm_code,attendance_percent,attended_ytd,possible_ytd,"
    "consecutive_absence_days,total_absence_days_ytd"
)
DECISION_COLUMNS = (
    "student_id,school_id,rule_id,first_trip_date,value_at_first_trip,all_rising_edges,"
    "true_on_last_day,value_on_last_day"
)
ISSUE_COLUMNS = "issue,student_id,school_id,date,detail"
_CHUNK = 50_000
_END = "\r\n"
_NEEDS_QUOTES = frozenset(',"\r\n')


def quoted(text: str) -> str:
    """A field as CSV writes it: in quotes only where it must be."""
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.intersection(text) else text


def summary_lines(outcome: Outcome, district: District) -> Iterator[str]:
    """summaries.csv in pieces of up to 50,000 lines."""
    yield SUMMARY_COLUMNS + _END
    people = _pair_texts(district)
    rows = outcome.summaries
    codes = [quoted(code) for code in district.codes]
    for start in range(0, len(rows.pair), _CHUNK):
        yield _summary_text(rows.take(slice(start, start + _CHUNK)), people, codes)


def _summary_text(rows: Summaries, people: Sequence[str], codes: Sequence[str]) -> str:
    percents = _percents(rows.attended.astype(np.int64), rows.possible.astype(np.int64))
    columns = (
        rows.pair.tolist(),
        _texts(rows.day.astype(np.int64), day_text),
        _states(rows, codes),
        percents,
        rows.attended.tolist(),
        rows.possible.tolist(),
        rows.consecutive.tolist(),
        _texts(rows.absent_half_days.astype(np.int64), half_text),
    )
    return "".join(
        [
            f"{people[pair]},{day},{states},{percent},{attended},{possible},{run},{absent}\r\n"
            for pair, day, states, percent, attended, possible, run, absent in zip(*columns, strict=True)
        ]
    )


def _texts(numbers: Ints, text: Callable[[int], str]) -> list[str]:
    """Each number as text; a text is made once per distinct number."""
    distinct, at = np.unique(numbers, return_inverse=True)
    return [*map([text(number) for number in distinct.tolist()].__getitem__, at.tolist())]


def _percents(attended: Ints, possible: Ints) -> list[str]:
    """S5.4 for many rows: hundredths rounded half up; -1 stands for nothing possible."""
    hundredths = (attended * 20_000 + possible) // np.maximum(1, 2 * possible)
    return _texts(np.where(possible == 0, -1, hundredths), _hundredths_text)


def _hundredths_text(hundredths: int) -> str:
    return "" if hundredths < 0 else f"{hundredths // 100}.{hundredths % 100:02d}"


def _states(rows: Summaries, codes: Sequence[str]) -> list[str]:
    """The four columns of the day's statuses and codes; few combinations, so each is written once."""
    words = [*STATUSES, ""]
    base = len(codes)
    status, code = rows.status.astype(np.int64), rows.code.astype(np.int64)
    combined = ((status[:, 0] * len(words) + status[:, 1]) * base + code[:, 0]) * base + code[:, 1]

    def text(number: int) -> str:
        rest, pm_code = divmod(number, base)
        rest, am_code = divmod(rest, base)
        am, pm = divmod(rest, len(words))
        return f"{words[am]},{words[pm]},{codes[am_code]},{codes[pm_code]}"

    return _texts(combined, text)


def _pair_texts(district: District) -> list[str]:
    schools = [quoted(school.school_id) for school in district.schools]
    numbers = district.pair_school.tolist()
    return [f"{quoted(student)},{schools[at]}" for student, at in zip(district.pair_student, numbers, strict=True)]


def decision_lines(outcome: Outcome, district: District) -> Iterator[str]:
    """decisions.csv in pieces of one student at one school."""
    yield DECISION_COLUMNS + _END
    people = _pair_texts(district)
    for pair, decisions in enumerate(outcome.decisions):
        yield "".join(
            f"{people[pair]},{quoted(item.rule_id)},{item.edges[0] if item.edges else ''},{item.first_value},"
            f"{';'.join(item.edges)},{int(item.last_true)},{item.last_value}{_END}"
            for item in decisions
        )


def issue_lines(issues: Sequence[Issue]) -> Iterator[str]:
    """issues.csv in one piece per issue."""
    yield ISSUE_COLUMNS + _END
    for issue in issues:
        fields = (issue.kind, issue.student_id, issue.school_id, issue.day, issue.detail)
        yield ",".join(map(quoted, fields)) + _END
