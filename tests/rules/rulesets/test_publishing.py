"""The published JSON Schema is the language: every leaf is in it, and it takes what the parser takes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from rules.errors import Invalid
from rules.rulesets.conditions import LEAF_TYPES
from rules.rulesets.publishing import FILE, json_schema, schema_text
from rules.rulesets.ruleset import PACKS, dump_ruleset, load_pack, parse_ruleset
from tests.rules.rulesets.generating import rulesets

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "rules" / FILE
COUNT: dict[str, Any] = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}
SMALL: dict[str, Any] = {
    "key": "small",
    "title": "Small",
    "entry": COUNT,
    "stages": [{"key": "contact", "type": "CONTACT"}],
}
VALIDATOR = Draft202012Validator(json_schema())


def test_the_published_schema_is_the_code() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), "run `make schema`"


def test_the_schema_is_one_and_names_every_leaf() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert set(LEAF_TYPES) <= set(schema["$defs"])
    named = {option["$ref"].rpartition("/")[2] for option in schema["$defs"]["Condition"]["oneOf"]}
    assert named == {*LEAF_TYPES, "AllOf", "AnyOf", "NotOf"}


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_follows_the_schema(name: str) -> None:
    VALIDATOR.validate(dump_ruleset(load_pack(name)))


def test_what_is_filled_in_may_be_left_out() -> None:
    VALIDATOR.validate(SMALL)
    parse_ruleset(SMALL)


@given(rulesets())
def test_what_the_parser_takes_follows_the_schema(document: dict[str, Any]) -> None:
    VALIDATOR.validate(json.loads(json.dumps(document)))


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"stages": []},
        {"entry": {"type": "MoonPhase", "params": {}}},
        {"entry": {"any": []}},
        {"entry": {**COUNT, "params": {"count": 5}}},
        {"entry": {"not": {**COUNT, "params": {"count": 5, "window": 30, "unit": "MOONS"}}}},
        {"jurisdiction": "Ireland"},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(changes: dict[str, Any]) -> None:
    document = {**SMALL, **changes}
    assert not VALIDATOR.is_valid(document)
    with pytest.raises(Invalid):
        parse_ruleset(document)


if __name__ == "__main__":
    PUBLISHED.parent.mkdir(exist_ok=True)
    PUBLISHED.write_text(schema_text(), encoding="utf-8")
