"""What every decision engine answers, and the plain one that needs no package."""

from typing import Protocol

from rules.rulesets.decision import Decision, Position, decide
from rules.rulesets.evaluation import Metrics
from rules.rulesets.facts import Facts
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest


class DecisionEngine(Protocol):
    """Decides one student's next step for one rule-set version; `name` is logged with the decision."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def decide(self, position: Position, metrics: Metrics, facts: Facts) -> Decision: ...


class ReferenceEngine:
    """The oracle, and the fallback where durable-rules cannot be imported."""

    name = "reference"

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self.digest = digest(ruleset)

    def decide(self, position: Position, metrics: Metrics, facts: Facts) -> Decision:
        """The pure decision function."""
        return decide(self._ruleset, position, metrics, facts)
