"""A year's backtest of the shipped ladder in vector form beside the per-student reference on a sample, per student.

Run: python -m tests.performance.bench_backtest [students]. Both start from register marks and are told in processor
time; the same students' events must be the same. Prints one JSON line; the bar is a ratio of at least 100.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from bulk.backtest import Backtest, Known, backtest, events_of
from bulk.district import District, Marks, OpenSessions, School, Spans
from bulk.people import NOBODY_KNOWN
from bulk.vocabulary import as_date, as_day
from rules.attendance.codes import UK
from rules.attendance.history import SchoolSettings, SessionName
from rules.attendance.marks import Mark, MarkedSession, Span, history
from rules.attendance.marks import School as OneSchool
from rules.rulesets.backtest_figures import Event
from rules.rulesets.ruleset import load_pack
from rules.rulesets.simulation import simulate

DAYS, BLOCK, SAMPLE, BAR = 180, 5_000, 40, 100.0
CODES = ("/", "\\", "L", "I", "O", "")
FIRST = date(2025, 9, 1)
AM_PM = frozenset(SessionName)


def school_days() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """A year's weekdays with three holidays."""
    days = (FIRST + timedelta(days=n) for n in range(400))
    taught = [day for day in days if day.weekday() < 5 and day.isocalendar().week not in {44, 52, 1, 15, 16}]
    return np.array([as_day(day) for day in taught[:DAYS]], np.int64)


def district(students: int, seed: int) -> District:
    """One school in which every student has a likelihood of being away, a day at a time or for a week."""
    draw, days = np.random.default_rng(seed), school_days()
    rate = draw.beta(1.2, 14, students)
    away = draw.random((students, DAYS)) < rate[:, None] * 0.7
    ill = draw.random((students, DAYS)) < rate[:, None] / 16
    for later in range(5):
        away[:, later:] |= ill[:, : DAYS - later]
    present = np.where(draw.random((students, DAYS, 2)) < 0.02, 2, 0)
    code = np.where(away[:, :, None], np.where(draw.random((students, DAYS, 1)) < 0.6, 3, 4), present)
    many = students * DAYS * 2
    pair, slot = np.divmod(np.arange(many), DAYS * 2)
    day = days[slot // 2]
    marks = Marks(
        pair,
        day,
        (slot % 2).astype(np.int8),
        code.reshape(many).astype(np.int32),
        day * 86_400 + 36_000,
        np.zeros(many, np.int32),
        np.zeros(many, np.bool_),
        np.full(many, -1, np.int32),
    )
    both = np.ones((DAYS, 2), np.bool_)
    place = School("S", SchoolSettings(), UK, OpenSessions(days, both, np.full((DAYS, 2), 180, np.int64)))
    spans = Spans(
        np.arange(students), np.full(students, days[0]), np.full(students, days[-1]), np.ones((students, 2), np.bool_)
    )
    names = [f"s{n}" for n in range(students)]
    return District([place], names, np.zeros(students, np.int64), spans, marks, CODES, [], [])


def one_by_one(data: District, sample: int) -> Iterator[Event]:
    """The reference for the first students of a district."""
    ruleset, days = load_pack("general"), [as_date(day) for day in school_days().tolist()]
    place = OneSchool(SchoolSettings(), UK, {(day, name): 180 for day in days for name in SessionName})
    for student in range(sample):
        mine = data.marks.take(data.marks.pair == student)
        marks = [
            Mark(
                as_date(day),
                MarkedSession(("AM", "PM")[session]),
                CODES[code],
                datetime.fromtimestamp(recorded, UTC),
                "",
                False,
                None,
            )
            for day, session, code, recorded in zip(
                mine.day.tolist(), mine.session.tolist(), mine.code.tolist(), mine.recorded.tolist(), strict=True
            )
        ]
        past = history(place, [Span(days[0], days[-1], AM_PM)], marks, None)
        for step in simulate(ruleset, past, NOBODY_KNOWN.on, (days[0], days[-1])):
            yield Event(student, step.on, step.what, step.stage, step.acts_on)


def vector(data: District) -> Sequence[Event]:
    """Everybody at once."""
    ruleset, days = load_pack("general"), school_days()
    asked = Backtest((ruleset,), int(days[0]), int(days[-1]))
    return events_of(ruleset, backtest(data, Known.nothing(data), asked).replayed[0])


def main(students: int) -> None:
    """Blocks of a few thousand students, so that the marks of all need not lie in memory at once."""
    spent, events, wall = 0.0, 0, time.perf_counter()
    for block in range(max(1, students // BLOCK)):
        data = district(min(BLOCK, students), block)
        began = time.process_time()
        found = vector(data)
        spent += time.process_time() - began
        events += len(found)
        if block == 0:
            began = time.process_time()
            reference = list(one_by_one(data, SAMPLE))
            each = (time.process_time() - began) / SAMPLE
            assert reference == [event for event in found if event.person < SAMPLE], "the two forms differ"
    figures = {
        "bench": "backtest",
        "students": students,
        "school_days": DAYS,
        "events": events,
        "seconds": round(spent, 1),
        "student_days_per_second": round(students * DAYS / spent),
        "reference_ms_per_student": round(1_000 * each, 1),
        "ratio": round(each * students / spent),
        "bar": BAR,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "wall_seconds": round(time.perf_counter() - wall, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
