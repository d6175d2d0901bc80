"""Every example of the guide to rules does what the guide says."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from rules.errors import Invalid
from rules.rulesets.activation import activation_problems
from rules.rulesets.attached_tests import failing_tests
from rules.rulesets.boundaries import boundary_problems
from rules.rulesets.conditions import parse_condition
from rules.rulesets.describing import described
from rules.rulesets.layers import Author, layered
from rules.rulesets.model import RuleSet
from rules.rulesets.problems import Flaw
from rules.rulesets.ruleset import PACKS, load_pack, parse_ruleset, refuse_activation
from rules.rulesets.static_checks import static_problems

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "guides" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- (.+?)(?:: (.+?))? -->\n```json\n(.+?)```", GUIDE, flags=re.DOTALL)
BY_SOMEBODY = Author(UUID(int=1), date(2026, 11, 22))


def examples(kind: str) -> list[tuple[str, Any]]:
    return [(said, json.loads(text)) for name, said, text in EXAMPLES if name == kind]


def sound(ruleset: RuleSet) -> None:
    assert [*failing_tests(ruleset), *boundary_problems(ruleset), *static_problems(ruleset)] == []


def test_every_example_is_of_a_kind_that_is_tried() -> None:
    assert GUIDE.count("```json") == len(EXAMPLES)
    assert {name for name, _, _ in EXAMPLES} == {"condition", "rule set", "layer", "refused layer"}


@pytest.mark.parametrize(("words", "document"), examples("condition"))
def test_a_condition_reads_as_the_guide_says(words: str, document: Any) -> None:
    assert described(parse_condition(document)) == words


@pytest.mark.parametrize(("_said", "document"), examples("rule set"))
def test_the_rule_set_can_be_put_in_force(_said: str, document: Any) -> None:
    refuse_activation(parse_ruleset(document))


@pytest.mark.parametrize(("_said", "document"), examples("layer"))
def test_a_layer_passes_its_tests_and_checks(_said: str, document: Any) -> None:
    content = layered(document, BY_SOMEBODY)
    sound(content)
    assert [one.flaw for one in activation_problems(content) if one.flaw is Flaw.UNCONFIRMED] == []


@pytest.mark.parametrize(("code", "document"), examples("refused layer"))
def test_a_refused_layer_is_refused_with_its_code(code: str, document: Any) -> None:
    with pytest.raises(Invalid) as caught:
        layered(document, BY_SOMEBODY)
    assert caught.value.code == code


def test_the_table_of_packs_is_the_packs() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .+ \| (.+) \|$", GUIDE, flags=re.MULTILINE)
    assert tuple(name for name, _ in rows) == PACKS
    for name, dates in rows:
        pack = load_pack(name)
        told = [str(day) for day in (pack.effective_from, pack.effective_to) if day]
        assert re.findall(r"\d{4}-\d\d-\d\d", dates) == told
        waits = any(item.holds_up for item in pack.verify)
        assert ("to be confirmed" in dates) is waits


def test_every_template_that_a_pack_asks_for_is_named() -> None:
    shipped = {"LETTER_1_ATTENDANCE", "LETTER_2_ATTENDANCE"}
    asked = {stage.template for name in PACKS for stage in load_pack(name).stages if stage.template} - shipped
    assert [template for template in asked if f"`{template}`" not in GUIDE] == []
