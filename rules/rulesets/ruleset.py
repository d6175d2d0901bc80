"""Reading, writing and naming rule sets: canonical JSON, digest and the shipped packs."""

import hashlib
import json
from importlib.resources import files
from typing import Any, Final

from pydantic import TypeAdapter

from rules.errors import NotFound
from rules.ladder.stages import FollowUpPlan, LadderSnapshot, Stage, StageType
from rules.rulesets.activation import activation_problems
from rules.rulesets.attached_tests import failing_tests
from rules.rulesets.boundaries import boundary_problems
from rules.rulesets.defaults import FOLLOW_UP, STOP
from rules.rulesets.describing import described
from rules.rulesets.documents import read
from rules.rulesets.model import RuleSet, StageRule
from rules.rulesets.problems import refused
from rules.rulesets.ruleset_checks import problems_of
from rules.rulesets.static_checks import static_problems

_ADAPTER: Final[TypeAdapter[RuleSet]] = TypeAdapter(RuleSet)


def parse_ruleset(document: Any) -> RuleSet:
    """Read a rule set, filling in the built-in stops and follow-up, or raise Invalid whose fields point into it."""
    if isinstance(document, dict):
        document = {"stop": STOP, "follow_up": FOLLOW_UP, **document}
    ruleset = read(_ADAPTER, document, at="", what="rule set")
    if found := list(problems_of(ruleset)):
        raise refused("ruleset_invalid", "The rule set is not accepted", found)
    return ruleset


def dump_ruleset(ruleset: RuleSet) -> dict[str, Any]:
    """The JSON form that is stored and that `parse_ruleset` reads back.

    Defaults are left out, so that a new optional field changes no digest; a default itself must never change.
    """
    dumped: dict[str, Any] = ruleset.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dumped


def canonical(ruleset: RuleSet) -> str:
    """The one text of a content: sorted keys, no blanks."""
    return json.dumps(dump_ruleset(ruleset), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(ruleset: RuleSet) -> str:
    """sha256 of the canonical text: the name of this content for ever."""
    return hashlib.sha256(canonical(ruleset).encode()).hexdigest()


PACKS: Final = ("general", "ie-ewa-2000", "gb-eng-2024", "us-ca", "us-tx", "us-oh-hb410", "us-oh-hb96")
"""The shipped rule sets: one without law, and those of law."""
OF_LAW: Final = PACKS[1:]
STARTER: Final = "general"
"""The one that every new tenant finds as a draft; packs of law are chosen."""


def load_pack(name: str) -> RuleSet:
    """A shipped rule set by name."""
    if name not in PACKS:
        raise NotFound("pack_not_found", f"There is no pack {name!r}: use one of {', '.join(PACKS)}.")
    text = files("rules.rulesets").joinpath("packs", f"{name}.json").read_text(encoding="utf-8")
    return parse_ruleset(json.loads(text))


def stage_type(ruleset: RuleSet, stage: StageRule) -> str:
    """The requirements' name of a stage: CONTACT, LETTER_1, LETTER_2, MEETING, ESCALATION; others are numbered too."""
    same = [other.key for other in ruleset.stages if other.type is stage.type]
    number = same.index(stage.key) + 1
    plain = number == 1 and stage.type is not StageType.LETTER
    return str(stage.type) if plain else f"{stage.type}_{number}"


def ladder_snapshot(ruleset: RuleSet, version: int) -> LadderSnapshot:
    """What a running case carries of its version."""
    stages = tuple(_snapshot_stage(ruleset, stage) for stage in ruleset.stages)
    return LadderSnapshot(
        rule_set_key=ruleset.key,
        rule_set_version=version,
        digest=digest(ruleset),
        stages=stages,
        exit_approval=ruleset.exit_review.approval,
        follow_up=FollowUpPlan(weeks=ruleset.follow_up.weeks, relapse_to=ruleset.follow_up.relapse_to),
        register_query=ruleset.register_query,
    )


def _snapshot_stage(ruleset: RuleSet, stage: StageRule) -> Stage:
    shared = stage.model_dump(include=set(Stage.model_fields) & set(StageRule.model_fields))
    shared |= {"wait_school_days": stage.waits, "stage_type": stage_type(ruleset, stage)}
    if stage.type is StageType.NOTICE:
        shared["sufficient"] = tuple(
            rule.says or described(rule.when) for rule in stage.stop if rule.then == "EXIT_REVIEW"
        )
        shared["early"] = tuple(rule.says or described(rule.when) for rule in stage.escalate)
    return Stage(**shared)


def refuse_activation(ruleset: RuleSet) -> None:
    """Raise Invalid while it asks for what cannot be carried out, its checks find something or its tests fail."""
    tests = [*failing_tests(ruleset), *boundary_problems(ruleset)]
    if found := [*activation_problems(ruleset), *static_problems(ruleset), *tests]:
        raise refused("ruleset_not_ready", "The rule set cannot be activated", found)
