"""The published JSON Schema of rule sets (rules.md, Language)."""

import json
from typing import Any, Final

from rules.rulesets.model import RuleSet

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID: Final = "urn:handrail:schema:ruleset"
FILE: Final = "ruleset.schema.json"
_CONDITION: Final = "#/$defs/Condition"
_FILLED_IN: Final = frozenset({"stop", "follow_up"})
"""What `parse_ruleset` puts in where the author left it out."""


def json_schema() -> dict[str, Any]:
    """The schema of a rule set as an author writes it; what it cannot say (targets, caps) is said by the checks."""
    drawn = RuleSet.model_json_schema(by_alias=True)
    drawn["required"] = [name for name in drawn["required"] if name not in _FILLED_IN]
    union = drawn["properties"]["entry"]["oneOf"]
    said = _by_reference(drawn, union)
    condition = {"description": "A leaf, or a tree of conditions under all, any or not.", "oneOf": union}
    return {"$schema": DIALECT, "$id": SCHEMA_ID, **said, "$defs": {**said["$defs"], "Condition": condition}}


def schema_text() -> str:
    """The schema as docs/rules holds it."""
    return json.dumps(json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _by_reference(node: Any, union: list[Any]) -> Any:
    """Every copy of the union of conditions as a reference to one definition."""
    if isinstance(node, list):
        return [_by_reference(child, union) for child in node]
    if not isinstance(node, dict):
        return node
    if node.get("oneOf") == union:
        return {**{name: child for name, child in node.items() if name != "oneOf"}, "$ref": _CONDITION}
    return {name: _by_reference(child, union) for name, child in node.items()}
