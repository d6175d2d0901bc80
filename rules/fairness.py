"""Whether some groups of students are reached more than others: counts by group and school, small ones hidden."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log, sqrt
from typing import Final

from rules.group_shares import percent, ratio
from rules.small_cells import SMALLEST, Shown, share_of, shown

NORMAL_95: Final = 1.96
"""How many standard errors to each side hold 95 % of a normal distribution."""


class ProtectedKind(StrEnum):
    """What of a student may be counted by and is shown of nobody (safeguards.md section 12)."""

    SEX = "sex"
    ETHNICITY = "ethnicity"
    SEND = "send"
    POVERTY = "poverty"
    CARE_STATUS = "care_status"


@dataclass(frozen=True, slots=True)
class Counts:
    """Students by school and value: everybody on roll, and of whom each thing is so."""

    schools: Sequence[str]
    values: Sequence[str]
    on_roll: Mapping[tuple[str, str], int]
    reached: Mapping[str, Mapping[tuple[str, str], int]]


@dataclass(frozen=True, slots=True)
class Share:
    """Some of a group beside the rest: None is hidden, or cannot be said."""

    students: Shown
    percent: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One group: how many are on roll, and the share of them of whom each thing is so."""

    value: str
    students: Shown
    shares: Mapping[str, Share]


@dataclass(frozen=True, slots=True)
class Figures:
    """All groups of one kind, and everybody in them."""

    everybody: Group
    groups: Sequence[Group]


def of_everybody(counts: Counts) -> Figures:
    """The groups of all schools together."""
    return _figures(counts, len(counts.schools))


def of_school(counts: Counts, school: str) -> Figures:
    """The groups of one school, hidden as if the figures of all others were lying beside them: somebody has those."""
    return _figures(counts, counts.schools.index(school))


def of_schools(counts: Counts) -> Figures:
    """The schools as groups of their own; by what `counts` tells students apart does not matter."""
    totals = Counts(
        [""],
        counts.schools,
        {("", school): _total(counts, counts.on_roll, school) for school in counts.schools},
        {
            what: {("", school): _total(counts, cells, school) for school in counts.schools}
            for what, cells in counts.reached.items()
        },
    )
    return of_everybody(totals)


def _total(counts: Counts, cells: Mapping[tuple[str, str], int], school: str) -> int:
    return sum(cells.get((school, value), 0) for value in counts.values)


Cell = tuple[int, int]
Line = list[Cell]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Whole numbers by school (rows) and value (columns); the last of each are the totals, unless there is one row."""

    cells: Sequence[Sequence[int]]

    @classmethod
    def of(cls, counts: Counts, cells: Mapping[tuple[str, str], int]) -> "_Grid":
        rows = [[cells.get((school, value), 0) for value in counts.values] for school in counts.schools]
        everybody = [] if len(rows) == 1 else [[sum(column) for column in zip(*rows, strict=True)]]
        return cls([[*row, sum(row)] for row in (*rows, *everybody)])

    @property
    def width(self) -> int:
        """Columns beside their total."""
        return len(self.cells[0]) - 1

    def at(self, cell: Cell) -> int:
        return self.cells[cell[0]][cell[1]]

    def rows(self) -> Iterable[tuple[Line, Cell]]:
        """Each row's parts, and their total."""
        for row in range(len(self.cells)):
            yield [(row, column) for column in range(self.width)], (row, self.width)

    def columns(self, first: int, end: int) -> Iterable[tuple[Line, Cell]]:
        """The same of columns; a single school is its own total."""
        last = len(self.cells) - 1
        for column in range(first, end) if last else ():
            yield [(row, column) for row in range(last)], (last, column)


def _hidden(grid: _Grid, few: set[Cell]) -> set[Cell]:
    """`few` and whatever would tell one of them: first among the totals of schools, then within schools and values."""
    totals = {cell for cell in few if cell[1] == grid.width}
    _close(grid, totals, list(grid.columns(grid.width, grid.width + 1)))
    found = totals | few
    _close(grid, found, [*grid.rows(), *grid.columns(0, grid.width)])
    return found


def _close(grid: _Grid, found: set[Cell], lines: Sequence[tuple[Line, Cell]]) -> None:
    """Hide on until no line tells what is hidden in it."""
    while more := {cell for line in lines for cell in _next(grid, found, *line)}:
        found |= more


def _next(grid: _Grid, found: set[Cell], parts: Line, total: Cell) -> list[Cell]:
    """What must be hidden beside what is: one alone is the difference, and a few together are still too few."""
    gone = [cell for cell in parts if cell in found]
    alone = len(gone) + (total in found) == 1
    if not alone and (total in found or not 0 < sum(map(grid.at, gone)) < SMALLEST):
        return []
    left = [cell for cell in parts if cell not in found and (alone or grid.at(cell))]
    return [min(left, key=lambda cell: (not grid.at(cell), grid.at(cell)))] if left else []


def _figures(counts: Counts, row: int) -> Figures:
    on_roll = _Grid.of(counts, counts.on_roll)
    row = min(row, len(on_roll.cells) - 1)
    places = [(at, column) for at in range(len(on_roll.cells)) for column in range(on_roll.width + 1)]
    unsaid = _hidden(on_roll, {cell for cell in places if shown(on_roll.at(cell)) is None})
    shares: dict[str, list[Share]] = {}
    for what, cells in counts.reached.items():
        grid = _Grid.of(counts, cells)
        few = {cell for cell in places if share_of(grid.at(cell), on_roll.at(cell)) is None}
        hidden = _hidden(grid, few | unsaid)
        shares[what] = [_share(grid, on_roll, hidden, (row, column)) for column in range(on_roll.width + 1)]
    groups = [
        Group(
            value,
            None if (row, at) in unsaid else on_roll.at((row, at)),
            {what: found[at] for what, found in shares.items()},
        )
        for at, value in enumerate((*counts.values, ""))
    ]
    return Figures(groups[-1], groups[:-1])


def _share(grid: _Grid, on_roll: _Grid, hidden: set[Cell], cell: Cell) -> Share:
    if cell in hidden:
        return Share(None)
    count, size, total = grid.at(cell), on_roll.at(cell), (cell[0], grid.width)
    part = percent(count, size)
    if total in hidden:  # the ratio would tell the rest
        return Share(count, part)
    rest, others = grid.at(total) - count, on_roll.at(total) - size
    low, high = interval((count, size), (rest, others))
    return Share(count, part, ratio((count, size), (rest, others)), low, high)


def interval(group: tuple[int, int], rest: tuple[int, int]) -> tuple[float | None, float | None]:
    """Where the ratio of two shares lies with 95 % confidence (Katz's logarithmic interval); nothing without both."""
    (count, size), (other, others) = group, rest
    if not count or not other:
        return None, None
    middle = log(count * others / (size * other))
    error = NORMAL_95 * sqrt(1 / count - 1 / size + 1 / other - 1 / others)
    return round(exp(middle - error), 2), round(exp(middle + error), 2)
