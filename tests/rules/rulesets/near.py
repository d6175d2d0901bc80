"""Values at and around every threshold of a rule set, for property tests of shipped packs."""

from collections import defaultdict

from hypothesis import strategies as st

from rules.rulesets.boundaries import boundary_cases
from rules.rulesets.comparisons import FactKey, Key
from rules.rulesets.metrics import MetricKey
from rules.rulesets.model import RuleSet

Given = tuple[dict[MetricKey, int | None], dict[FactKey, int | None]]


def near(ruleset: RuleSet) -> st.SearchStrategy[Given]:
    """Metrics and facts of one student: each just below, at or just above a threshold, or missing."""
    seen: dict[Key, set[int]] = defaultdict(set)
    for leaf in ruleset.leaf_index():
        for case in boundary_cases(leaf):
            for key, value in case.given.items():
                seen[key].add(value)
    drawn = {key: st.sampled_from([None, *sorted(values)]) for key, values in seen.items()}
    metrics = {key: drawn[key] for key in ruleset.metric_keys()}
    facts = {key: drawn[key] for key in ruleset.fact_keys()}
    return st.tuples(st.fixed_dictionaries(metrics), st.fixed_dictionaries(facts))
