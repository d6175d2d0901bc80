"""The report of a backtest as one HTML page without any outside address: figures, pictures, and what was assumed."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from reportlab.graphics import renderSVG
from reportlab.graphics.charts.barcharts import HorizontalBarChart, VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor

from rules.small_cells import STANDS_FOR, Shown

Figures = Mapping[str, Any]
"""The document of `rules/rulesets/backtest_figures.py`."""
_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=StrictUndefined
)
COLOURS: Final = ("#0a5a8f", "#d9822b")
"""The first and the second rule set, in pictures and beside their names; told apart in grey too."""
INK, LINE = HexColor("#17212b"), HexColor("#d9dfe6")
WIDTH, HEIGHT, LETTERING = 400, 220, 11
"""Units of a picture: about the pixels of a phone, so that its lettering stays readable there."""
ROW, LEFT, GAP = 34, 118, 34
LONGEST: Final = 18


@dataclass(frozen=True, slots=True)
class Picture:
    """One drawing, ready to stand in a page, and its content in words for those who do not see it."""

    title: str
    words: str
    source: str


def page(figures: Figures, made_on: date) -> str:
    """The whole report."""
    groups: dict[str, list[Figures]] = {}
    for row in figures["groups"]:
        groups.setdefault(row["by"], []).append(row)
    return _PAGES.get_template("backtest.html").render(
        figures=figures,
        names=[one["title"] for one in figures["rule_sets"]],
        hours=[round(sum(hours)) for hours in zip(*(week["hours"] for week in figures["weeks"]), strict=True)],
        groups=groups,
        colours=COLOURS,
        pictures=pictures(figures),
        made_on=made_on,
        told=told,
    )


def told(count: float | None) -> str:
    """A figure as it is printed; what is hidden says so."""
    return "hidden" if count is None else f"{count:,}"


def pictures(figures: Figures) -> list[Picture]:
    """Entries by stage; letters, meetings and hours by week."""
    weeks, sets = figures["weeks"], range(len(figures["rule_sets"]))
    found = [_stages(figures)]
    for title, kind in (("Letter steps a week", "LETTER"), ("Meetings a week", "MEETING")):
        found.append(_weekly(title, figures, [[week["steps"][at].get(kind, 0) for week in weeks] for at in sets]))
    hours = [[week["hours"][at] for week in weeks] for at in sets]
    found.append(_weekly("Hours of staff time a week", figures, hours))
    return found


def _stages(figures: Figures) -> Picture:
    """How often each stage is entered, rule set beside rule set."""
    stages = list(dict.fromkeys(row["stage"] for row in figures["entries"]))
    counts = {(row["rule_set"], row["stage"]): row["total"] for row in figures["entries"]}
    series = [[counts.get((at, stage), 0) for stage in stages] for at in range(len(figures["rule_sets"]))]
    title = "Entries by stage"
    return Picture(title, _words(title, figures, series, stages), _source(_bars(stages, series)))


def _weekly(title: str, figures: Figures, series: Sequence[Sequence[Shown | float]]) -> Picture:
    mondays = [date.fromisoformat(week["monday"]) for week in figures["weeks"]]
    labels = [f"{day:%-d %b %Y}" for day in mondays]
    return Picture(title, _words(title, figures, series, labels), _source(_columns(mondays, series)))


def _words(title: str, figures: Figures, series: Sequence[Sequence[Shown | float]], labels: Sequence[str]) -> str:
    """What a picture shows: where each rule set is highest."""
    found = []
    for one, values in zip(figures["rule_sets"], series, strict=True):
        drawn = _drawn(values)
        at = max(range(len(drawn)), key=drawn.__getitem__)
        found.append(f"{one['title']}: highest at {labels[at]} with {told(values[at])}")
    return f"{title}. {'; '.join(found)}."


def _drawn(values: Sequence[Shown | float]) -> list[float]:
    """What is hidden is drawn as what it stands for in sums."""
    return [float(STANDS_FOR if value is None else value) for value in values]


def _coloured(chart: Any, series: int) -> None:
    for at in range(series):
        chart.bars[at].fillColor = HexColor(COLOURS[at])
        chart.bars[at].strokeColor = None
    for axis in (chart.valueAxis, chart.categoryAxis):
        axis.labels.fontSize, axis.labels.fillColor, axis.strokeColor = LETTERING, INK, LINE
    chart.valueAxis.valueMin, chart.valueAxis.visibleGrid, chart.valueAxis.gridStrokeColor = 0, True, LINE
    chart.valueAxis.labelTextFormat = "%d"
    chart.valueAxis.visibleTicks = chart.categoryAxis.visibleTicks = False


def _step(series: Sequence[Sequence[float]]) -> int:
    """A round distance between the lines of a grid, so that at most five of them are drawn."""
    top = max((value for values in series for value in values), default=0.0)
    rounds: Iterator[int] = (digit * int(10**power) for power in range(9) for digit in (1, 2, 5))
    return next(step for step in rounds if top <= 5 * step)


def _columns(mondays: Sequence[date], series: Sequence[Sequence[Shown | float]]) -> Drawing:
    """One column a week and rule set; the axis names the months."""
    drawing, chart, drawn = Drawing(WIDTH, HEIGHT), VerticalBarChart(), [_drawn(values) for values in series]
    chart.x, chart.y, chart.width, chart.height = GAP + 8, 30, WIDTH - GAP - 16, HEIGHT - 44
    chart.data, chart.barSpacing, chart.groupSpacing = drawn, 0, 1
    chart.categoryAxis.categoryNames = _months(mondays)
    _coloured(chart, len(series))
    chart.valueAxis.valueStep = _step(drawn)
    chart.valueAxis.valueMax = _step(drawn) * (int(max(map(max, drawn)) // _step(drawn)) + 1)
    drawing.add(chart)
    return drawing


def _months(mondays: Sequence[date]) -> list[str]:
    """A month's name at its first week; every second one where there are many."""
    first = [at for at, day in enumerate(mondays) if not at or day.month != mondays[at - 1].month]
    every = 1 if len(first) <= 8 else 2
    named = {at: f"{mondays[at]:%b}" for at in first[::every]}
    return [named.get(at, "") for at in range(len(mondays))]


def _bars(labels: Sequence[str], series: Sequence[Sequence[Shown | float]]) -> Drawing:
    """One row a stage, from the top down."""
    height = ROW * len(labels) + GAP
    drawing, chart = Drawing(WIDTH, height), HorizontalBarChart()
    drawn = [_drawn(values)[::-1] for values in series][::-1]
    chart.x, chart.y, chart.width, chart.height = LEFT, GAP - 8, WIDTH - LEFT - 16, ROW * len(labels)
    chart.data, chart.barSpacing, chart.groupSpacing = drawn, 1, 8
    chart.categoryAxis.categoryNames = [_short(label) for label in labels][::-1]
    _coloured(chart, len(series))
    for at in range(len(series)):
        chart.bars[at].fillColor = HexColor(COLOURS[len(series) - 1 - at])
    chart.valueAxis.valueStep = _step(drawn)
    chart.valueAxis.valueMax = _step(drawn) * (int(max(map(max, drawn)) // _step(drawn)) + 1)
    drawing.add(chart)
    return drawing


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"


def _source(drawing: Drawing) -> str:
    """A drawing as the address of an image that lies in the page itself."""
    text = renderSVG.drawToString(drawing)
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
