"""`evaluate` over a district: summaries, decisions and issues, cohort by cohort (attendance.md, last section)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bulk.conditions import holds
from bulk.district import Cohort, District, cohorts
from bulk.evenings import evenings
from bulk.measures import Measured, final, nightly
from bulk.pooling import Elsewhere, pooled_final, pooled_nightly, together
from bulk.resolution import CodeTable, Winners, final_states, mark_issues, winners
from bulk.verdicts import Rule, columns_of, values
from bulk.vocabulary import Flags, Ids, Ints, Small, day_text
from rules.attendance.quality import ADVICE, Issue, IssueKind
from rules.rulesets.metrics import RUN, YTD, Measure, MetricKey

ATTENDED = MetricKey(Measure.ATTENDED_SESSIONS, YTD)
POSSIBLE = MetricKey(Measure.POSSIBLE_SESSIONS, YTD)
CONSECUTIVE = MetricKey(Measure.CONSECUTIVE_DAYS, RUN)
ABSENT = MetricKey(Measure.ABSENT_HALF_DAYS, YTD)
_SUMMARY_KEYS = (ATTENDED, POSSIBLE, CONSECUTIVE, ABSENT)


class Mode(StrEnum):
    """FINAL: all marks known. NIGHTLY: for each day what was known that evening (S8.2)."""

    FINAL = "final"
    NIGHTLY = "nightly"


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate; `as_of` in days, `known_at` in seconds since 1970."""

    rules: Sequence[Rule]
    mode: Mode = Mode.FINAL
    as_of: int | None = None
    known_at: int | None = None


@dataclass(frozen=True, slots=True)
class Summaries:
    """One entry per student, school and scheduled day; `pair` numbers the district's pairs."""

    pair: Ids
    day: Ids
    status: Small  # [row, 2]
    code: Ids  # [row, 2]
    attended: Ids
    possible: Ids
    consecutive: Ids
    absent_half_days: Ids

    def take(self, at: "Ints | slice") -> "Summaries":
        return Summaries(*(getattr(self, name)[at] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: "Sequence[Summaries]") -> "Summaries":
        """The rows of all parts, ordered by pair; the days of a pair stay in order."""
        whole = cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))
        return whole.take(np.argsort(whole.pair, kind="stable"))


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule did for one student at one school: the days it turned true, and its values."""

    pair: int
    rule_id: str
    edges: tuple[str, ...]
    first_value: str
    last_true: bool
    last_value: str


@dataclass(slots=True)
class Outcome:
    """Everything `evaluate` writes."""

    summaries: Summaries
    decisions: list[list[Decision]]
    issues: list[Issue]
    students_tripping: dict[str, int] = field(default_factory=dict)


def evaluate(district: District, request: Request) -> Outcome:
    """Summaries, decisions and issues in output order."""
    parts: list[Summaries] = [_no_rows()]
    decisions: list[list[Decision]] = [[] for _ in district.pair_student]
    issues: list[tuple[int, list[Issue]]] = []
    elsewhere = Elsewhere.of(district) if any(key.pooled for rule in request.rules for key in rule.keys) else None
    for cohort in cohorts(district):
        table = CodeTable.of(district.codes, cohort.school.code_map)
        won = winners(cohort.marks.known_at(request.known_at), table)
        issues += _issues(cohort, won, district)
        measured = _measured(cohort, table, won, request, district.codes)
        if elsewhere:
            measured = together(measured, _across(cohort, elsewhere, request))
        rows = _rows(cohort, request.as_of)
        parts.append(_summaries(cohort, measured, rows))
        for rule in request.rules:
            for decision in _decisions(cohort, rule, measured, rows):
                decisions[decision.pair].append(decision)
    ordered = [issue for _, found in sorted(issues, key=lambda item: item[0]) for issue in found]
    found = [*ordered, *district.strays, *_without_calendar(district), *district.issues]
    return Outcome(Summaries.joined(parts), decisions, found, _tripping(request.rules, decisions, district))


def _measured(cohort: Cohort, table: CodeTable, won: Winners, request: Request, codes: Sequence[str]) -> Measured:
    keys = dict.fromkeys([*_SUMMARY_KEYS, *(key for key in _asked(request) if not key.pooled)])
    if request.mode is Mode.NIGHTLY:
        return nightly(cohort, evenings(cohort, table), keys, codes)
    return final(cohort, final_states(cohort, table, won), keys, codes)


def _asked(request: Request) -> Sequence[MetricKey]:
    return tuple(dict.fromkeys(key for rule in request.rules for key in rule.keys))


def _across(cohort: Cohort, elsewhere: Elsewhere, request: Request) -> Measured:
    """The metrics that count every school's sessions."""
    keys = [key for key in _asked(request) if key.pooled]
    companions, codes = elsewhere.companions(cohort), elsewhere.district.codes
    if request.mode is Mode.NIGHTLY:
        return pooled_nightly(cohort, companions, keys, codes)
    return pooled_final(cohort, companions, keys, codes, request.known_at)


def _issues(cohort: Cohort, won: Winners, district: District) -> list[tuple[int, list[Issue]]]:
    students = [district.pair_student[pair] for pair in cohort.pairs.tolist()]
    found: dict[str, list[Issue]] = {}
    for issue in mark_issues(cohort, won, district.codes, students):
        found.setdefault(issue.student_id, []).append(issue)
    number = dict(zip(students, cohort.pairs.tolist(), strict=True))
    return [(number[student], issues) for student, issues in found.items()]


def _without_calendar(district: District) -> list[Issue]:
    used = set(district.pair_school.tolist())
    empty = [school for at, school in enumerate(district.schools) if at in used and not len(school.calendar.days)]
    detail = ADVICE[IssueKind.NO_CALENDAR]
    return [Issue(IssueKind.NO_CALENDAR, "", school.school_id, "", detail) for school in empty]


At = tuple[Ints, Ints]


def _rows(cohort: Cohort, as_of: int | None) -> At:
    """S4.5: the student-days that have a summary, by student, then day."""
    shown = cohort.scheduled.any(axis=2)
    if as_of is not None:
        shown = shown & (cohort.school.calendar.days <= as_of)
    pair, day = np.nonzero(shown)
    return pair, day


def _summaries(cohort: Cohort, measured: Measured, rows: At) -> Summaries:
    pair, day = rows
    numbers = (np.asarray(measured.values[key][rows], np.int32) for key in _SUMMARY_KEYS)
    return Summaries(
        cohort.pairs[pair].astype(np.int32),
        cohort.school.calendar.days[day].astype(np.int32),
        measured.today.status[rows],
        measured.today.code[rows],
        *numbers,
    )


def _no_rows() -> Summaries:
    none, two = np.zeros(0, np.int32), np.zeros((0, 2), np.int32)
    return Summaries(none, none, two.astype(np.int8), two, none, none, none, none)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where each student's rows begin and end, and which students have none."""

    first: Ints
    last: Ints
    pairs: Ints

    @classmethod
    def of(cls, pair: Ints) -> "_Ends":
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        return cls(first, np.append(first, len(pair))[1:] - 1, pair[first])


def _decisions(cohort: Cohort, rule: Rule, measured: Measured, rows: At) -> Iterable[Decision]:
    truth = holds(rule.tree, columns_of(rule.tree, measured), cohort.shape)
    true = truth.true[rows]
    ends = _Ends.of(rows[0])
    edges = _rising(true, ends)
    days = [day_text(day) for day in cohort.school.calendar.days.tolist()]
    tripped: dict[int, list[int]] = {}
    for row in np.flatnonzero(edges).tolist():
        tripped.setdefault(int(rows[0][row]), []).append(row)
    firsts = np.array([found[0] for found in tripped.values()], np.int64)
    first_values = dict(zip(tripped, values(rule, measured, _at(rows, firsts), cohort.shape), strict=True))
    last_values = dict(
        zip(ends.pairs.tolist(), values(rule, measured, _at(rows, ends.last), cohort.shape), strict=True)
    )
    last_true = dict(zip(ends.pairs.tolist(), true[ends.last].tolist(), strict=True))
    for local, pair in enumerate(cohort.pairs.tolist()):
        shown = tuple(days[rows[1][row]] for row in tripped.get(local, ()))
        yield Decision(
            pair,
            rule.rule_id,
            shown,
            first_values.get(local, ""),
            last_true.get(local, False),
            last_values.get(local, ""),
        )


def _rising(true: Flags, ends: _Ends) -> NDArray[np.bool_]:
    """S8.1: true now and not on the summary date before; each student starts from false."""
    before = np.concatenate(([False], true[:-1])) if len(true) else true
    before[ends.first] = False
    return np.asarray(true & ~before, np.bool_)


def _at(rows: At, at: Ints) -> At:
    return rows[0][at], rows[1][at]


def _tripping(rules: Sequence[Rule], decisions: list[list[Decision]], district: District) -> dict[str, int]:
    tripping: dict[str, set[str]] = {rule.rule_id: set() for rule in rules}
    for pair, found in enumerate(decisions):
        for decision in found:
            if decision.edges:
                tripping[decision.rule_id].add(district.pair_student[pair])
    return {rule_id: len(students) for rule_id, students in tripping.items()}
