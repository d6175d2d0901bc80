"""Conditions over arrays: one truth per student (and day) at a time, three-valued like the reference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.rulesets.comparisons import Comparison, Key
from rules.rulesets.conditions import AllOf, AnyOf, Condition, NotOf
from rules.rulesets.parameters import Leaf

Flags = NDArray[np.bool_]
Amounts = NDArray[np.int64]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One metric or fact of many students; where `known` is false the value means nothing."""

    values: NDArray[np.integer]
    known: Flags


@dataclass(frozen=True, slots=True)
class Truths:
    """True, false, or unknown where neither is set."""

    true: Flags
    false: Flags

    @property
    def known(self) -> Flags:
        return self.true | self.false


Columns = Mapping[Key, Column]


def holds(tree: Condition | Leaf, columns: Columns, shape: Shape) -> Truths:
    """The tree for everybody at once; a key without a column is unknown."""
    if isinstance(tree, NotOf):
        child = holds(tree.child, columns, shape)
        return Truths(child.false, child.true)
    if isinstance(tree, AllOf | AnyOf):
        parts = [holds(child, columns, shape) for child in tree.children]
        true, false = [part.true for part in parts], [part.false for part in parts]
        if isinstance(tree, AllOf):
            return Truths(np.logical_and.reduce(true), np.logical_or.reduce(false))
        return Truths(np.logical_or.reduce(true), np.logical_and.reduce(false))
    return _leaf(tree, columns, shape)


def leaf_known(leaf: Leaf, columns: Columns, shape: Shape) -> Flags:
    """Where every named integer is there and every guard holds."""
    comparison, known = leaf.comparison(), np.ones(shape, np.bool_)
    for key in comparison.keys():  # noqa: SIM118 - a method of ours, no mapping
        if key not in columns:
            return np.zeros(shape, np.bool_)
        known &= columns[key].known
    for key, least in comparison.guards:
        known &= columns[key].values >= least
    return known


def _leaf(leaf: Leaf, columns: Columns, shape: Shape) -> Truths:
    comparison, known = leaf.comparison(), leaf_known(leaf, columns, shape)
    if not known.any():
        return Truths(known, known)
    total = _total(comparison, columns, shape)
    inside = np.ones(shape, np.bool_)
    if comparison.low is not None:
        inside &= total >= comparison.low
    if comparison.high is not None:
        inside &= total <= comparison.high
    return Truths(known & inside, known & ~inside)


def _total(comparison: Comparison, columns: Columns, shape: Shape) -> Amounts:
    total = np.zeros(shape, np.int64)
    for term in comparison.terms:
        product = np.full(shape, term.coefficient, np.int64)
        for key in term.keys:
            product *= columns[key].values  # exact: the largest product of a leaf is far below 2**63
        total += product
    return total
