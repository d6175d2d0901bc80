"""Three independent readings of one register agree: the oracle, the pure reference, and the vector form."""

import csv
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulk.district import Cohort, District, cohorts
from bulk.evaluation import Mode
from bulk.evenings import evenings
from bulk.measures import Measured, final, nightly
from bulk.pooling import Elsewhere, pooled_final, pooled_nightly
from bulk.resolution import CodeTable, final_states, winners
from bulk.vocabulary import as_date
from cli.evaluate import command, load
from rules.attendance.history import History, ResolvedSession, SessionName
from rules.attendance.marks import Mark, MarkedSession, School, Span, history
from rules.attendance.summary import summary
from rules.rulesets.measuring import measure
from rules.rulesets.metrics import OF_THE_DAY, Across, MetricKey, WindowKind
from tests.bulk.tiny import district
from tests.shared_data import SHARED, needs_shared

KEYS = tuple(
    MetricKey.parse(text)
    for text in (
        "absent_half_days/calendar:5/all",
        "absent_half_days/school:7/unauthorised/exclude=CODE_SET",
        "absent_half_days/ytd/authorised/codes=I",
        "absent_sessions/2024-07-25..2024-08-09/all",
        "absent_sessions/weeks:2/all",
        "unauthorised_sessions/weeks:2",
        "consecutive_days/all",
        "consecutive_days/unauthorised/exclude=CODE_SET",
        "late_sessions/school:4",
        "late_or_after_close_sessions/ytd/exclude=L",
        "attended_sessions/ytd",
        "attended_sessions/school:5/exclude=I,O",
        "possible_sessions/ytd",
        "possible_days/calendar:9",
        "counted_sessions/ytd",
        "occasions:30/ytd",
        "days_or_parts/ytd",
        "minutes_missed/ytd/all",
        "minutes_missed/run/all",
        "minutes_missed/run/authorised",
        "evaluation_day",
        "months_into_year",
        "absent_half_days/ytd/all@prior_year",
        "consecutive_days/all@prior_year",
        "absent_sessions/step/all",
    )
)
Pasts = dict[tuple[str, str], History]
POOLED = tuple(
    replace(key, across=Across.TENANT)
    for key in KEYS
    if key.measure not in OF_THE_DAY and key.window.kind is not WindowKind.STEP
)
RUNS = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False)


def oracle_module() -> ModuleType:
    assert SHARED is not None
    spec = importlib.util.spec_from_file_location("oracle", SHARED / "tools" / "oracle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1:]


def histories(data: District, folder: Path, known_at: datetime | None) -> Pasts:
    """The pure reference, fed from the files alone."""
    found = {}
    merges = {row[0]: row[1] for row in rows(folder / "student_merges.csv")}
    ends = {name: merges.get(merges.get(name, name), merges.get(name, name)) for name in "abcde"}
    for student, at in zip(data.pair_student, data.pair_school.tolist(), strict=True):
        school = data.schools[at]
        is_open = school.calendar.is_open
        slots = {
            (as_date(int(day)), name): 180
            for index, day in enumerate(school.calendar.days)
            for number, name in enumerate(SessionName)
            if is_open[index, number]
        }
        place = School(school.settings, school.code_map, slots)
        spans = [
            Span(
                date.fromisoformat(row[2]),
                date.fromisoformat(row[3]) if row[3] else date.max,
                frozenset(map(SessionName, (row[4] or "AM|PM").split("|"))),
            )
            for row in rows(folder / "enrolments.csv")
            if (ends[row[0]], row[1]) == (student, school.school_id)
        ]
        marks = [
            Mark(
                date.fromisoformat(row[3]),
                MarkedSession(row[4]),
                row[5],
                datetime.fromisoformat(row[6]),
                row[7],
                row[8] == "1",
                int(row[9]) if row[9] else None,
            )
            for row in rows(folder / "marks.csv")
            if (ends[row[1]], row[2]) == (student, school.school_id)
        ]
        found[student, school.school_id] = history(place, spans, marks, known_at)
    return {who: replace(past, elsewhere=_elsewhere(who, found)) for who, past in found.items()}


def _elsewhere(who: tuple[str, str], found: Pasts) -> tuple[ResolvedSession, ...]:
    others = (past.sessions for (student, school), past in found.items() if student == who[0] and school != who[1])
    return tuple(sorted((session for sessions in others for session in sessions), key=lambda s: (s.day, s.session)))


@contextmanager
def small(random: Random) -> Iterator[tuple[Path, District]]:
    """A small district, as files and as they are loaded."""
    with TemporaryDirectory() as folder:
        files = district(Path(folder), random)
        yield files, load(files).build()


def pasts(cohort: Cohort, data: District, of: Pasts) -> Iterator[tuple[int, History]]:
    """Each student of a cohort: the row in its arrays, and the reference's history."""
    for row, pair in enumerate(cohort.pairs.tolist()):
        yield row, of[data.pair_student[pair], cohort.school.school_id]


def days_of(cohort: Cohort) -> list[tuple[int, date]]:
    return list(enumerate(map(as_date, cohort.school.calendar.days.tolist())))


@needs_shared
@pytest.mark.parametrize("mode", Mode)
@RUNS
@given(random=st.randoms(use_true_random=False))
def test_any_small_register_comes_out_as_the_oracle_says(mode: Mode, random: Random) -> None:
    oracle = oracle_module()
    with TemporaryDirectory() as folder:
        data = district(Path(folder, "data"), random)
        command(data, Path(folder, "ours"), mode=mode)
        loaded = oracle.Data(str(data))
        summaries, decisions = [], []
        for student, school in sorted(loaded.enrol):
            days, verdicts = oracle.run_student(loaded, student, school, oracle.DEFAULT_RULES, mode=mode.value)
            summaries += days
            decisions += verdicts
        assert rows(Path(folder, "ours", "summaries.csv")) == [[str(cell) for cell in row] for row in summaries]
        assert rows(Path(folder, "ours", "decisions.csv")) == [[str(cell) for cell in row] for row in decisions]


@RUNS
@given(random=st.randoms(use_true_random=False))
def test_every_metric_is_the_references_metric(random: Random) -> None:
    with small(random) as (files, data):
        reference = histories(data, files, None)
        for cohort in cohorts(data):
            table = CodeTable.of(data.codes, cohort.school.code_map)
            states = final_states(cohort, table, winners(cohort.marks, table))
            measured = final(cohort, states, KEYS, data.codes)
            for local, past in pasts(cohort, data, reference):
                for at, day in days_of(cohort):
                    for key in KEYS:
                        ours = int(measured.values[key][local, at]) if measured.known[key][local, at] else None
                        assert ours == measure(past, key, day), (str(key), day)


@RUNS
@given(random=st.randoms(use_true_random=False))
def test_across_schools_every_metric_is_the_references_metric(random: Random) -> None:
    with small(random) as (files, data):
        reference = histories(data, files, None)
        for cohort in cohorts(data):
            companions = Elsewhere.of(data).companions(cohort)
            measured = pooled_final(cohort, companions, POOLED, data.codes, None)
            for local, past in pasts(cohort, data, reference):
                for at, day in random.sample(days_of(cohort), min(3, len(days_of(cohort)))):
                    assert told(measured, POOLED, (local, at)) == {key: measure(past, key, day) for key in POOLED}, day


def told(measured: Measured, keys: tuple[MetricKey, ...], at: tuple[int, int]) -> dict[MetricKey, int | None]:
    return {key: int(measured.values[key][at]) if measured.known[key][at] else None for key in keys}


@RUNS
@given(random=st.randoms(use_true_random=False))
def test_an_evening_knows_what_was_known_then_at_every_school(random: Random) -> None:
    with small(random) as (files, data):
        for cohort in cohorts(data):
            measured = pooled_nightly(cohort, Elsewhere.of(data).companions(cohort), POOLED, data.codes)
            for at, day in random.sample(days_of(cohort), min(1, len(days_of(cohort)))):
                then = histories(data, files, datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC))
                for local, past in pasts(cohort, data, then):
                    assert told(measured, POOLED, (local, at)) == {key: measure(past, key, day) for key in POOLED}, day


@RUNS
@given(random=st.randoms(use_true_random=False))
def test_an_evening_knows_what_the_reference_knew_then(random: Random) -> None:
    keys = KEYS[:20]
    with small(random) as (files, data):
        for cohort in cohorts(data):
            table = CodeTable.of(data.codes, cohort.school.code_map)
            measured = nightly(cohort, evenings(cohort, table), keys, data.codes)
            for at, day in random.sample(days_of(cohort), min(1, len(days_of(cohort)))):
                then = histories(data, files, datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC))
                for local, past in pasts(cohort, data, then):
                    found = {key: int(measured.values[key][local, at]) for key in keys}
                    assert found == {key: measure(past, key, day) for key in keys}, day


@RUNS
@given(random=st.randoms(use_true_random=False))
def test_the_reference_summary_is_the_row_that_evaluate_writes(random: Random) -> None:
    with TemporaryDirectory() as folder:
        files = district(Path(folder, "data"), random)
        command(files, Path(folder, "ours"))
        reference = histories(load(files).build(), files, None)
        for row in rows(Path(folder, "ours", "summaries.csv")):
            told = summary(reference[row[0], row[1]], date.fromisoformat(row[2]))
            halves = [told.halves.get(name) for name in SessionName]
            assert row[3:5] == [half.status if half else "" for half in halves]
            assert row[5:7] == [half.code if half else "" for half in halves]
            assert row[7:11] == [
                told.percent_text,
                str(told.attended),
                str(told.possible),
                str(told.consecutive_absence_days),
            ]
            assert float(row[11]) * 2 == told.absent_half_days
