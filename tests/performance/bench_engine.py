"""One decision by our DurableEngine beside bare durable-rules on the same compiled rules, and memory over many of them.

Run: python -m tests.performance.bench_engine [decisions]. Prints one JSON line; the bar is a ratio of at least 0.5.
"""

import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from durable import engine as durable

from rules.engine.compiling import compile_ruleset
from rules.engine.durable_rules import engine_for
from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import Position
from rules.rulesets.evaluation import amount
from rules.rulesets.metrics import MetricKey
from rules.rulesets.ruleset import load_pack

Case = tuple[Position, dict[MetricKey, int | None], dict[FactKey, int | None]]
Message = dict[str, Any]
BATCH = 500
ROUNDS = 7


def cases(many: int) -> list[Case]:
    """Students near the thresholds of the general pack."""
    pack, draw = load_pack("general"), random.Random(5)
    return [
        (
            Position(stage_index=draw.randrange(-1, 5), wait_elapsed=draw.random() < 0.8, previous_reached=True),
            {key: None if draw.random() < 0.02 else draw.randrange(45) for key in pack.metric_keys()},
            {key: int(draw.random() < 0.02) for key in pack.fact_keys()},
        )
        for _ in range(many)
    ]


class Bare:
    """durable-rules as its own examples use it: assert the facts, let the same rules fire, retract; nothing else."""

    def __init__(self) -> None:
        self._compiled = compile_ruleset(load_pack("general"))

        class Host(durable.Host):  # type: ignore[misc]  # the package has no types
            def _run(self) -> None:
                """No timers, as in ours: the default's threads would only disturb the measurement."""

            def get_action(self, action_name: str) -> Callable[[Any], None]:
                derived = bare.derived(action_name)
                return lambda closure: closure.assert_fact(dict(derived)) if derived else None

        bare = self
        self._host = Host()
        self._host.set_rulesets({"bare": self._compiled.definitions})

    def derived(self, name: str) -> Message | None:
        """The fact that a rule of the compiled set derives."""
        word, _, rest = name.partition(":")
        if word == "guard":
            return {"kind": "guard", "to": int(rest) + 1, "id": name}
        if word != "rule":
            return None
        rule = self._compiled.rules[int(rest.partition("#")[0])]
        ends = {"STOPPED": "stop", "EXIT_REVIEW": "review"}
        kind = ends[rule.stop.then] if rule.stop else "eligible"
        return {"kind": kind, "to": self._stage(rule.name), "by": 0, "id": name}

    @staticmethod
    def _stage(name: str) -> int:
        return load_pack("general").index_of(name.removeprefix("stage:")) + 1

    def messages(self, case: Case) -> list[Message]:
        position, metrics, facts = case
        known = {name: amount(side, metrics, facts) for side, name in self._compiled.columns.items()}
        place = {"at": position.stage_index + 1, "reached": 1, "review": 1}
        return [
            {"kind": "instance", "status": "ACTIVE", "id": "instance", **place},
            {"kind": "wait", "elapsed": int(position.wait_elapsed), "id": "wait"},
            {"kind": "summary", "id": "summary", **{name: value for name, value in known.items() if value is not None}},
        ]

    def run_all(self, prepared: list[list[Message]]) -> None:
        for messages in prepared:
            self.run([dict(message) for message in messages])

    def run(self, messages: list[Message]) -> None:
        for message in messages:
            try:
                self._host.assert_fact("bare", message)
            except durable.MessageNotHandledException:
                continue
        for fact in self._host.get_facts("bare"):
            self._host.retract_fact("bare", fact)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(many: int) -> None:
    """Alternate both engines in rounds, then decide many times and watch the memory."""
    engine, bare, drawn = engine_for(load_pack("general")), Bare(), cases(BATCH)
    prepared = [bare.messages(case) for case in drawn]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: [engine.decide(*case) for case in drawn]))
        theirs.append(seconds(lambda: bare.run_all(prepared)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(many):
        engine.decide(*drawn[number % BATCH])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    speed = statistics.median(theirs) / statistics.median(ours)
    figures = {
        "decisions_per_second": round(BATCH / statistics.median(ours)),
        "bare_per_second": round(BATCH / statistics.median(theirs)),
        "ratio": round(speed, 2),
        "bar": 0.5,
        "decisions_watched": many,
        "resident_kib_grown": grown,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150_000)
