"""The tables of a backtest as CSV: from its figures alone, so what is hidden there stays hidden here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bulk.output import quoted

Figures = Mapping[str, Any]
_END = "\r\n"
HIDDEN = "hidden"


def tables(figures: Figures) -> dict[str, Iterator[str]]:
    """File name -> its lines."""
    found = {"entries.csv": _entries(figures), "weeks.csv": _weeks(figures), "groups.csv": _groups(figures)}
    return found | ({"changes.csv": _changes(figures)} if figures["changes"] else {})


def _line(fields: Sequence[Any]) -> str:
    return ",".join(quoted(HIDDEN if field is None else str(field)) for field in fields) + _END


def _names(figures: Figures) -> list[str]:
    """Each rule set by place, for two may have one key."""
    return ["first", "second"][: len(figures["rule_sets"])]


def _entries(figures: Figures) -> Iterator[str]:
    names = _names(figures)
    yield _line(("rule_set", "stage", "month", "entries"))
    for row in figures["entries"]:
        for month, count in row["months"].items():
            yield _line((names[row["rule_set"]], row["stage"], month, count))
        yield _line((names[row["rule_set"]], row["stage"], "all", row["total"]))


def _weeks(figures: Figures) -> Iterator[str]:
    yield _line(("rule_set", "week_from", "type", "steps_or_hours"))
    for week in figures["weeks"]:
        for name, steps, hours in zip(_names(figures), week["steps"], week["hours"], strict=True):
            for kind, count in steps.items():
                yield _line((name, week["monday"], kind, count))
            yield _line((name, week["monday"], "HOURS", hours))


def _groups(figures: Figures) -> Iterator[str]:
    yield _line(("rule_set", "by", "value", "students", "with_a_step", "percent", "ratio", "letter_steps"))
    for row in figures["groups"]:
        for at, name in enumerate(_names(figures)):
            cells = (row[column][at] for column in ("with_a_step", "percent", "ratio", "letters"))
            yield _line((name, row["by"], row["value"], row["students"], *cells))


def _changes(figures: Figures) -> Iterator[str]:
    columns = ("first", "second", "both", "added", "dropped")
    yield _line(("stage", *columns))
    for row in figures["changes"]:
        yield _line((row["stage"] or "any", *(row[column] for column in columns)))
