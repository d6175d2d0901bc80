"""durable-rules as the ladder's decision layer, inside the only envelope in which it is safe.

Every unusual line is there because the plain form leaks, crashes or swallows errors (facts of the package, measured):
one fixed session, never deleted; every fact retracted; one lock per engine; facts asserted, not posted; integers only.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from durable import engine as durable

from rules.engine.compiling import Compiled, compile_ruleset
from rules.rulesets.decision import Action, Decision, Position, Rule, why_held_back
from rules.rulesets.evaluation import Bitmap, Metrics, amount
from rules.rulesets.facts import Facts
from rules.rulesets.model import RuleSet
from rules.rulesets.ruleset import digest

_RULESET = "ladder"
_engines: dict[str, "DurableEngine"] = {}
_logger = logging.getLogger(__name__)
_engines_lock = threading.Lock()


def engine_for(ruleset: RuleSet) -> "DurableEngine":
    """Compiled once per content and process: each compiled set costs about 170 KiB that is never given back."""
    name = digest(ruleset)
    with _engines_lock:
        if name not in _engines:
            _engines[name] = DurableEngine(ruleset)
        return _engines[name]


class _QuietHost(durable.Host):  # type: ignore[misc]  # the package has no types
    """A host without the endless timer threads of the default, which can also run consequents."""

    def __init__(self, action: Callable[[str], Callable[[Any], None]]) -> None:
        self._action = action
        super().__init__()

    def _run(self) -> None:
        """No timers."""

    def get_action(self, action_name: str) -> Callable[[Any], None]:
        """The consequent of a rule."""
        return self._action(action_name)


class _Found:
    """What one decision has brought to light so far."""

    def __init__(self) -> None:
        self.rules: set[int] = set()
        self.leaves: set[int] = set()
        self.outcomes: dict[Action, set[int]] = {}
        self.error: BaseException | None = None


class DurableEngine:
    """Decides by durable-rules; compiles stored versions only, through `engine_for`."""

    name = "durable-rules"

    def __init__(self, ruleset: RuleSet) -> None:
        self.digest = digest(ruleset)
        self._ruleset = ruleset
        self._compiled: Compiled = compile_ruleset(ruleset)
        self._lock = threading.Lock()
        self._found = _Found()
        self._host = _QuietHost(self._consequent)
        self._host.set_rulesets({_RULESET: self._compiled.definitions})

    def decide(self, position: Position, metrics: Metrics, facts: Facts) -> Decision:
        """One student's next step; errors inside the package's callbacks are raised here."""
        known = self._integers(metrics, facts)
        with self._lock:
            self._found = found = _Found()
            try:
                for message in _messages(position, known):
                    self._assert(message)
            finally:
                for fact in self._host.get_facts(_RULESET):
                    self._host.retract_fact(_RULESET, fact)
        if found.error is not None:
            raise found.error
        return self._decision(found, position, metrics, facts)

    def _integers(self, metrics: Metrics, facts: Facts) -> dict[str, int]:
        """The left sides that are known; anything but an integer would compare wrongly without a word."""
        amounts = {name: amount(side, metrics, facts) for side, name in self._compiled.columns.items()}
        if wrong := [name for name, value in amounts.items() if value is not None and type(value) is not int]:
            raise TypeError(f"only integers may enter the engine: {wrong}")
        return {name: value for name, value in amounts.items() if value is not None}

    def _assert(self, message: dict[str, Any]) -> None:
        try:
            self._host.assert_fact(_RULESET, message)
        except durable.MessageNotHandledException:
            _logger.debug("a fact matched no rule")

    def _consequent(self, name: str) -> Callable[[Any], None]:
        word, _, rest = name.partition(":")
        act = {"rule": self._rule, "leaf": self._leaf, "guard": self._guard, "ladder": self._ladder}[word]

        def run(closure: Any) -> None:
            try:
                act(rest, closure)
            except BaseException as error:  # noqa: BLE001 - the package would swallow it; `decide` raises it
                self._found.error = error

        return run

    def _rule(self, rest: str, closure: Any) -> None:
        number = int(rest.partition("#")[0])
        if number not in self._found.rules:
            self._found.rules.add(number)
            closure.assert_fact({**self._derived(self._compiled.rules[number]), "by": number, "id": f"r{number}"})

    def _derived(self, rule: Rule) -> dict[str, Any]:
        if rule.stop:
            return {"kind": "stop" if rule.stop.then == "STOPPED" else "review"}
        if rule.escalate:
            return {"kind": "escalate", "to": self._ruleset.index_of(rule.escalate.to) + 1}
        return {"kind": "eligible", "to": self._ruleset.index_of(rule.name.removeprefix("stage:")) + 1}

    def _leaf(self, rest: str, _: Any) -> None:
        self._found.leaves.add(int(rest))

    def _guard(self, rest: str, closure: Any) -> None:
        closure.assert_fact({"kind": "guard", "to": int(rest) + 1, "id": f"g{rest}"})

    def _ladder(self, rest: str, closure: Any) -> None:
        matched = closure._m  # noqa: SLF001 - the package has no public way to the joined facts
        bound = matched.get("s") or matched["e"]
        self._found.outcomes.setdefault(Action(rest), set()).add(bound["by"])

    def _decision(self, found: _Found, position: Position, metrics: Metrics, facts: Facts) -> Decision:
        rules = self._compiled.rules
        fired = tuple(rules[number].name for number in sorted(found.rules))
        bits = Bitmap(
            "".join("1" if number in found.leaves else "0" for number in range(len(self._compiled.leaves))),
            Bitmap.of(self._compiled.leaves, metrics).known,
        )
        for action in (Action.STOP, Action.EXIT_REVIEW, Action.ESCALATE, Action.ADVANCE):
            if numbers := found.outcomes.get(action):
                rule = rules[min(numbers)]
                return Decision(action, _target(rule), rule.name, fired, (), bits)
        held_back = tuple(why_held_back(self._ruleset, position, metrics, facts))
        return Decision(Action.WAIT, None, None, fired, held_back, bits)


def _target(rule: Rule) -> str | None:
    if rule.escalate:
        return rule.escalate.to
    return None if rule.stop else rule.name.removeprefix("stage:")


def _messages(position: Position, known: dict[str, int]) -> list[dict[str, Any]]:
    instance = {
        "kind": "instance",
        "status": "ACTIVE",
        "id": "instance",
        "at": position.stage_index + 1,
        "reached": int(position.previous_reached),
        "review": int(not position.exit_review_suppressed),
    }
    wait = {"kind": "wait", "id": "wait", "elapsed": int(position.wait_elapsed)}
    return [instance, wait, {"kind": "summary", "id": "summary", **known}]
