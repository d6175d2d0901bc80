"""The vector form of a condition gives every student the reference's truth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bulk.conditions import Column, holds
from rules.rulesets.comparisons import Key
from rules.rulesets.conditions import Condition, fact_keys, metric_keys, parse_condition
from rules.rulesets.evaluation import Truth, evaluate
from tests.rules.rulesets.generating import TREES, fact_values, metric_values

STUDENTS = 8


def column(values: list[int | None]) -> Column:
    known = np.array([value is not None for value in values])
    return Column(np.array([0 if value is None else value for value in values], np.int32), known)


@settings(max_examples=200, deadline=None)
@given(TREES, st.data())
def test_the_vector_form_is_the_reference(tree: Condition, data: st.DataObject) -> None:
    metrics = [data.draw(metric_values(metric_keys(tree))) for _ in range(STUDENTS)]
    facts = [data.draw(fact_values(fact_keys(tree))) for _ in range(STUDENTS)]
    students: list[Mapping[Any, int | None]] = [{**m, **f} for m, f in zip(metrics, facts, strict=True)]
    columns: dict[Key, Column] = {key: column([one[key] for one in students]) for key in students[0]}
    found = holds(tree, columns, (STUDENTS,))
    truths: list[Truth] = [True if t else False if f else None for t, f in zip(found.true, found.false, strict=True)]
    assert truths == [evaluate(tree, m, f) for m, f in zip(metrics, facts, strict=True)]
    assert found.known.tolist() == [truth is not None for truth in truths]


def test_a_key_without_a_column_is_unknown() -> None:
    found = holds(parse_condition({"not": {"type": "CaseResolved"}}), {}, (2, 3))
    assert found.true.shape == (2, 3)
    assert not found.known.any()
