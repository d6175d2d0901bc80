"""What a backtest says in numbers that may leave the house: entries, changes, load on staff, groups (rules.md)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from rules.group_shares import percent, ratio
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest
from rules.rulesets.simulation import Happened
from rules.school_calendar import monday_of
from rules.small_cells import STANDS_FOR, Shown, parts, parts_of_groups, shown

EXIT_REVIEW: Final = "EXIT_REVIEW"
MINUTES: Final[Mapping[str, int]] = {
    "CONTACT": 20,
    "LETTER": 10,
    "MEETING": 60,
    "PLAN": 60,
    "NOTICE": 30,
    "ESCALATION": 90,
    "REFERRAL": 120,
    EXIT_REVIEW: 15,
}
"""Minutes of staff time that one step of each type takes, unless a setting says otherwise."""
ENTERING: Final = frozenset({Happened.STEP, Happened.ESCALATED, Happened.RELAPSE})
ASSUMED: Final = (
    "The register counts as it is known now, not as it was known on each day.",
    "Every step that is proposed is approved, carried out and reaches somebody; every recommended exit is confirmed.",
    "No exemption, reason, event or document other than those given is known.",
    "A letter step counts once, however many guardians are written to.",
    "Counts under 10 are hidden, and so are those from which they could be worked out; a load takes each for 5.",
)


@dataclass(frozen=True, slots=True)
class Person:
    """One student at one school; `groups` are the values by which figures are told apart."""

    student_id: str
    groups: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that would have happened to a person, who is named by number."""

    person: int
    on: date
    what: Happened
    stage: str | None
    acts_on: date | None


@dataclass(frozen=True, slots=True)
class Run:
    """One rule set and everything that would have happened under it."""

    ruleset: RuleSet
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Frame:
    """What both rule sets were held against."""

    first: date
    last: date
    people: Sequence[Person]
    student_days: int
    approval_school_days: int = 0
    minutes: Mapping[str, int] = field(default_factory=lambda: MINUTES)


Document = dict[str, Any]


def document(frame: Frame, runs: Sequence[Run]) -> Document:
    """The figures of one or two rule sets as data: JSON, and nothing in it is about too few children."""
    counted = [_Counted.of(frame, run) for run in runs]
    waits = f"Approval takes {frame.approval_school_days} school days."
    return {
        "from": frame.first.isoformat(),
        "to": frame.last.isoformat(),
        "students": shown(len({person.student_id for person in frame.people})),
        "student_days": frame.student_days,
        "minutes_per_step": dict(frame.minutes),
        "assumptions": [*ASSUMED, waits],
        "rule_sets": [_summary(run, one) for run, one in zip(runs, counted, strict=True)],
        "entries": [row for at, run in enumerate(runs) for row in _entries(frame, at, run, counted[at])],
        "changes": _changes(runs, counted) if len(runs) > 1 else [],
        "weeks": _weeks(frame, counted),
        "groups": _groups(frame, counted),
    }


@dataclass(slots=True)
class _Counted:
    """Plain counts under one rule set."""

    outcomes: Counter[str] = field(default_factory=Counter)
    entries: Counter[tuple[str, str]] = field(default_factory=Counter)
    work: defaultdict[str, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    reached: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    people: set[int] = field(default_factory=set)
    letters: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, frame: Frame, run: Run) -> "_Counted":
        found = cls()
        types = {stage.key: str(stage.type) for stage in run.ruleset.stages}
        for event in run.events:
            found.outcomes[event.what] += 1
            if event.stage is not None and event.what in ENTERING:
                found.enter(frame, event, event.stage, types[event.stage])
            elif event.what is Happened.EXIT:
                found.load(EXIT_REVIEW, event)
        return found

    def enter(self, frame: Frame, event: Event, stage: str, kind: str) -> None:
        self.entries[stage, f"{event.on:%Y-%m}"] += 1
        self.reached[stage].add(frame.people[event.person].student_id)
        self.reached[""].add(frame.people[event.person].student_id)
        self.people.add(event.person)
        self.letters[event.person] += kind == "LETTER"
        self.load(kind, event)

    def load(self, kind: str, event: Event) -> None:
        """Work falls on the day it is done; what lies beyond the calendar is nobody's yet."""
        if event.acts_on is not None:
            self.work[kind][monday_of(event.acts_on)] += 1


def _summary(run: Run, counted: _Counted) -> Document:
    return {
        "key": run.ruleset.key,
        "title": run.ruleset.title,
        "digest": digest(run.ruleset),
        "stages": [{"key": stage.key, "type": str(stage.type)} for stage in run.ruleset.stages],
        "students_with_a_step": shown(len(counted.reached[""])),
        "happened": {str(what): shown(counted.outcomes[what]) for what in Happened},
        "steps": {kind: shown(weeks.total()) for kind, weeks in sorted(counted.work.items())},
    }


def _entries(frame: Frame, at: int, run: Run, counted: _Counted) -> Iterable[Document]:
    months = list(_months(frame.first, frame.last))
    for stage in run.ruleset.stages:
        counts = [counted.entries[stage.key, month] for month in months]
        cells = dict(zip(months, parts(counts), strict=True))
        yield {"rule_set": at, "stage": stage.key, "total": shown(sum(counts)), "months": cells}


def _months(first: date, last: date) -> Iterable[str]:
    day = first.replace(day=1)
    while day <= last:
        yield f"{day:%Y-%m}"
        day = (day + timedelta(days=31)).replace(day=1)


def _changes(runs: Sequence[Run], counted: Sequence[_Counted]) -> list[Document]:
    """Who reaches a stage under one rule set and not under the other; the empty stage is any step at all."""
    keys = dict.fromkeys(stage.key for run in runs for stage in run.ruleset.stages)
    return [_change(stage, counted[0].reached[stage], counted[1].reached[stage]) for stage in ["", *keys]]


def _change(stage: str, before: set[str], after: set[str]) -> Document:
    """Both totals are shown, so one hidden cell hides all three."""
    cells: tuple[Shown, ...] = tuple(shown(len(each)) for each in (before & after, after - before, before - after))
    both, added, dropped = (None, None, None) if None in cells else cells
    totals = {"first": shown(len(before)), "second": shown(len(after))}
    return {"stage": stage, **totals, "both": both, "added": added, "dropped": dropped}


def _weeks(frame: Frame, counted: Sequence[_Counted]) -> list[Document]:
    """The work of each week by type, and the hours it takes."""
    mondays = list(_mondays(frame, counted))
    columns = [
        {kind: parts([weeks[monday] for monday in mondays]) for kind, weeks in sorted(one.work.items())}
        for one in counted
    ]
    return [
        {
            "monday": monday.isoformat(),
            "steps": [{kind: cells[at] for kind, cells in column.items()} for column in columns],
            "hours": [_hours(frame, {kind: cells[at] for kind, cells in column.items()}) for column in columns],
        }
        for at, monday in enumerate(mondays)
    ]


def _mondays(frame: Frame, counted: Sequence[_Counted]) -> Iterable[date]:
    done = [monday for one in counted for weeks in one.work.values() for monday in weeks]
    monday, last = monday_of(frame.first), max([monday_of(frame.last), *done])
    while monday <= last:
        yield monday
        monday += timedelta(days=7)


def _hours(frame: Frame, steps: Mapping[str, Shown]) -> float:
    """From what is shown alone, so that a load gives no hidden count away."""
    minutes = sum(frame.minutes[kind] * (STANDS_FOR if count is None else count) for kind, count in steps.items())
    return round(minutes / 60, 1)


def _groups(frame: Frame, counted: Sequence[_Counted]) -> list[Document]:
    names = dict.fromkeys(name for person in frame.people for name in person.groups)
    return [row for name in names for row in _groups_by(frame, name, counted)]


def _groups_by(frame: Frame, name: str, counted: Sequence[_Counted]) -> list[Document]:
    """Every group of one kind beside all others: the ratio of the shares of students with a step."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for number, person in enumerate(frame.people):
        members[person.groups.get(name, "")].append(number)
    values, sizes = sorted(members), [len(members[value]) for value in sorted(members)]
    students = parts(sizes)
    stepped = [[sum(at in one.people for at in members[value]) for value in values] for one in counted]
    told = [parts_of_groups(counts, sizes) for counts in stepped]
    letters = [parts([sum(one.letters[at] for at in members[value]) for value in values]) for one in counted]
    return [
        {
            "by": name,
            "value": value,
            "students": students[at],
            "with_a_step": [cells[at] for cells in told],
            "percent": [_percent(cells[at], sizes[at]) for cells in told],
            "ratio": [_ratio(cells[at], at, counts, sizes) for cells, counts in zip(told, stepped, strict=True)],
            "letters": [None if cells[at] is None else count[at] for cells, count in zip(told, letters, strict=True)],
        }
        for at, value in enumerate(values)
    ]


def _percent(count: Shown, whole: int) -> float | None:
    return None if count is None else percent(count, whole)


def _ratio(count: Shown, at: int, counts: Sequence[int], sizes: Sequence[int]) -> float | None:
    """The group's share over the share of everybody else."""
    rest = sum(counts) - counts[at], sum(sizes) - sizes[at]
    return None if count is None else ratio((count, sizes[at]), rest)
