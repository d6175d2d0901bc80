"""The rules of a file over metric grids, and the values behind them as text (S8.1)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

from bulk.conditions import Column, Columns, leaf_known
from bulk.measures import Measured
from bulk.vocabulary import Ints, day_text
from rules.errors import Invalid
from rules.rulesets.conditions import Condition, leaves, metric_keys, parse_condition
from rules.rulesets.metrics import Measure, MetricKey
from rules.rulesets.parameters import Leaf


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the rules file; `shows_unsure` prints a percent even before enough days were possible (S10.1)."""

    rule_id: str
    tree: Condition
    shows_unsure: bool

    @property
    def keys(self) -> tuple[MetricKey, ...]:
        return metric_keys(self.tree)


DEFAULT_RULES: Sequence[Mapping[str, Any]] = (
    {"rule_id": "ABS5_30C", "type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30, "unit": "CALENDAR"}},
    {"rule_id": "ABS5_20S", "type": "AbsenceCountThreshold", "params": {"count": 5, "window": 20, "unit": "SCHOOL"}},
    {
        "rule_id": "PCT_LT90",
        "type": "AttendancePercentThreshold",
        "params": {"below": 90, "window": "YTD", "min_school_days": 10},
    },
    {
        "rule_id": "PCT_LE90",
        "type": "AttendancePercentThreshold",
        "params": {"below": 90, "window": "YTD", "min_school_days": 10, "inclusive": True},
    },
    {"rule_id": "CONS3", "type": "ConsecutiveAbsenceDays", "params": {"n": 3}},
    {"rule_id": "TARDY5_30C", "type": "TardyCountThreshold", "params": {"count": 5, "window": 30, "unit": "CALENDAR"}},
    {"rule_id": "UNAUTH10_10W", "type": "UnauthorisedSessionsThreshold", "params": {"sessions": 10, "weeks": 10}},
)
"""The rules `evaluate` applies when no file names others."""


def read_rules(document: Any) -> tuple[Rule, ...]:
    """A JSON list of `{"rule_id", "type", "params"}` or `{"rule_id", "when": tree}`; Invalid names each wrong place."""
    if not isinstance(document, list | tuple):
        raise Invalid("rules_invalid", "The rules file is not a list.", fields={".": "write a JSON list of rules"})
    rules = tuple(_rule(entry, f"[{at}]") for at, entry in enumerate(document))
    names = [rule.rule_id for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Invalid(
            "rules_invalid", "Rule ids must differ.", fields=dict.fromkeys(twice, "is there twice: rename one")
        )
    return rules


def _rule(entry: Any, at: str) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("rule_id"), str):
        raise Invalid("rules_invalid", f"{at} has no rule_id.", fields={f"{at}.rule_id": "give each rule a text id"})
    if "when" in entry:
        return Rule(entry["rule_id"], parse_condition(entry["when"], at=f"{at}.when"), shows_unsure=False)
    leaf = {"type": entry.get("type"), "params": entry.get("params", {})}
    return Rule(entry["rule_id"], parse_condition(leaf, at=at), shows_unsure=True)


def columns_of(tree: Condition | Leaf, measured: Measured) -> Columns:
    """The metrics a tree needs; facts about the case are never there, so they stay unknown."""
    return {key: Column(measured.values[key], measured.known[key]) for key in metric_keys(tree)}


At = tuple[Ints, Ints]


def values(rule: Rule, measured: Measured, at: At, shape: tuple[int, int]) -> list[str]:
    """The leaves' values at the given students and days, in tree order joined by `;`."""
    columns = [_leaf_values(leaf, rule, measured, at, shape) for leaf in leaves(rule.tree)]
    return [";".join(parts) for parts in zip(*columns, strict=True)]


def _leaf_values(leaf: Leaf, rule: Rule, measured: Measured, at: At, shape: tuple[int, int]) -> list[str]:
    if not leaf.is_metric() or not at[0].size:
        return [""] * len(at[0])
    keys = leaf.metric_keys()
    known = (
        np.ones(len(at[0]), np.bool_) if rule.shows_unsure else leaf_known(leaf, columns_of(leaf, measured), shape)[at]
    )
    numbers = [np.asarray(measured.values[key][at]).tolist() for key in keys]
    texts = [_shown(keys, row) for row in zip(*numbers, strict=True)]
    return [text if sure else "" for text, sure in zip(texts, known.tolist(), strict=True)]


def _shown(keys: Sequence[MetricKey], numbers: Sequence[int]) -> str:
    return _SHOWN.get(keys[0].measure, _whole)(numbers)


def _whole(numbers: Sequence[int]) -> str:
    return str(numbers[0])


def percent_text(attended: int, possible: int) -> str:
    """S5.4: two decimals, half up; empty when nothing was possible."""
    if possible == 0:
        return ""
    hundredths = (attended * 20_000 + possible) // (2 * possible)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _hours(numbers: Sequence[int]) -> str:
    hours = Decimal(numbers[0]) / 60
    return str(hours.quantize(Decimal("0.01"), ROUND_HALF_UP))


_SHOWN: Mapping[Measure, Callable[[Sequence[int]], str]] = {
    Measure.ABSENT_HALF_DAYS: lambda numbers: half_text(numbers[0]),
    Measure.ABSENT_SESSIONS: lambda numbers: half_text(2 * numbers[0]),
    Measure.ATTENDED_SESSIONS: lambda numbers: percent_text(numbers[0], numbers[1]),
    Measure.MINUTES_MISSED: _hours,
    Measure.EVALUATION_DAY: lambda numbers: day_text(numbers[0]),
}


def half_text(halves: int) -> str:
    """Half days as days: 9 -> 4.5."""
    return f"{halves // 2}.{5 * (halves % 2)}"
