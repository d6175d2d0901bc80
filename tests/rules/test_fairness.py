"""No page of fairness, laid beside all others of the same months, tells of too few students."""

from hypothesis import given
from hypothesis import strategies as st

from rules.fairness import Counts, Figures, Share, interval, of_everybody, of_school, of_schools
from rules.small_cells import SMALLEST

WHAT = "ENTERED"
Table = list[list[int | None]]


def counts(on_roll: list[list[int]], reached: list[list[int]]) -> Counts:
    """A row for each school, a column for each value."""
    schools, values = [f"s{n}" for n in range(len(on_roll))], [f"v{n}" for n in range(len(on_roll[0]))]
    cells = [(row, column) for row in range(len(schools)) for column in range(len(values))]
    told = [{(schools[r], values[c]): table[r][c] for r, c in cells} for table in (on_roll, reached)]
    return Counts(schools, values, told[0], {WHAT: told[1]})


@st.composite
def districts(draw: st.DrawFn) -> Counts:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    sizes = st.one_of(st.just(0), st.integers(1, 30), st.integers(10, 200))
    on_roll = [[draw(sizes) for _ in range(columns)] for _ in range(rows)]
    return counts(on_roll, [[draw(st.integers(0, size)) for size in row] for row in on_roll])


def row_of(figures: Figures, *, of: str) -> list[int | None]:
    """What a page says of each group, and of everybody last."""
    groups = [*figures.groups, figures.everybody]
    return [group.students if of == "on_roll" else group.shares[WHAT].students for group in groups]


def laid_together(told: Counts, of: str) -> tuple[Table, Table]:
    """All pages as one table with totals: as it is shown, and as it is."""
    cells = told.on_roll if of == "on_roll" else told.reached[WHAT]
    true: Table = [[cells[school, value] for value in told.values] for school in told.schools]
    said = [row_of(of_school(told, school), of=of) for school in told.schools]
    if len(told.schools) > 1:
        true.append([sum(row[c] or 0 for row in true) for c in range(len(told.values))])
        said.append(row_of(of_everybody(told), of=of))
    return said, [[*row, sum(count or 0 for count in row)] for row in true]


def lines(table: Table) -> list[list[int | None]]:
    """Rows and columns, each with its total last."""
    return [*table, *(list(column) for column in zip(*table, strict=True) if len(table) > 1)]


@given(districts())
def test_nothing_hidden_can_be_worked_out_from_all_pages_together(told: Counts) -> None:
    for of in ("on_roll", WHAT):
        said, true = laid_together(told, of)
        for shown_row, true_row in zip(lines(said), lines(true), strict=True):
            pairs = list(zip(shown_row, true_row, strict=True))
            assert all(cell in {None, count} for cell, count in pairs)
            assert all(cell is None or cell == 0 or cell >= SMALLEST for cell in shown_row)
            assert shown_row.count(None) != 1
            if shown_row[-1] is not None:
                gone = sum(count or 0 for cell, count in pairs if cell is None)
                left = [cell for cell in shown_row[:-1] if cell]
                assert gone == 0 or gone >= SMALLEST or not left


@given(districts())
def test_a_count_is_shown_with_its_group_and_its_rest_alone(told: Counts) -> None:
    pages = [of_everybody(told), *(of_school(told, school) for school in told.schools)]
    for page in pages:
        for group in page.groups:
            share = group.shares[WHAT]
            assert share.students is None or group.students is not None
            assert share.students is not None or share == Share(None)
            assert share.ratio is None or page.everybody.shares[WHAT].students is not None
            assert share.students is None or share.students == 0 or (group.students or 0) - share.students != 1


@given(districts())
def test_the_totals_of_schools_are_the_same_on_every_page(told: Counts) -> None:
    beside = of_schools(told)
    for school, group in zip(told.schools, beside.groups, strict=True):
        alone = of_school(told, school).everybody
        assert (group.value, group.students) == (school, alone.students)
        assert group.shares[WHAT].students == alone.shares[WHAT].students
    everybody = of_everybody(told).everybody
    assert beside.everybody.students == everybody.students


def test_a_group_stands_beside_the_rest() -> None:
    girls, boys = of_everybody(counts([[200, 200]], [[30, 20]])).groups
    assert girls.shares[WHAT] == Share(30, 15.0, 1.5, 0.88, 2.55)
    assert boys.shares[WHAT].ratio == 0.67
    assert of_everybody(counts([[200, 200]], [[30, 20]])).everybody.shares[WHAT] == Share(50, 12.5)


def test_a_small_group_takes_another_with_it_at_its_school_and_at_another() -> None:
    told = counts([[100, 100, 100]] * 3, [[3, 40, 20], [30, 35, 22], [31, 36, 23]])
    assert row_of(of_school(told, "s0"), of=WHAT) == [None, 40, None, 63]
    assert row_of(of_school(told, "s1"), of=WHAT) == [None, 35, None, 87]
    assert row_of(of_school(told, "s2"), of=WHAT) == [31, 36, 23, 90]
    assert row_of(of_everybody(told), of=WHAT) == [64, 111, 65, 240]


def test_nearly_everybody_is_as_telling_as_hardly_anybody() -> None:
    hidden = of_everybody(counts([[100, 100]], [[95, 50]])).groups
    assert [group.shares[WHAT].students for group in hidden] == [None, None]


def test_a_ratio_that_would_tell_a_hidden_total_is_not_said() -> None:
    (nobody, nearly, some) = of_everybody(counts([[20, 30, 30]], [[0, 3, 4]])).groups
    assert nobody.shares[WHAT] == Share(0, 0.0)
    assert nearly.shares[WHAT] == some.shares[WHAT] == Share(None)


def test_an_empty_district_says_that_nobody_is_there() -> None:
    nothing = Counts([], [], {}, {WHAT: {}})
    assert (of_schools(nothing).groups, of_schools(nothing).everybody.students) == ([], 0)


def test_the_interval_is_that_of_the_logarithm_of_the_ratio() -> None:
    assert interval((30, 200), (20, 200)) == (0.88, 2.55)
    assert interval((0, 200), (20, 200)) == (None, None)
    assert interval((20, 200), (0, 200)) == (None, None)
