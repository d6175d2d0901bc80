"""Reading a rule document: every problem is named by its place in what the author wrote."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from rules.rulesets.problems import Flaw, Problem, Steps, refused, steps_of

T = TypeVar("T")

_TAG = re.compile(r"'(\w+)'")
MAX_NESTING = 60
"""Far above what an accepted rule set needs (trees have at most eight levels); stops a document meant to exhaust us."""
_BY_SCHEMA = "correct it as the JSON Schema of rule sets says"


def read(adapter: TypeAdapter[T], document: Any, *, at: str, what: str) -> T:
    """Validate a JSON document, or raise Invalid whose fields and errors point into it."""
    if _nesting(document) > MAX_NESTING:
        deep = Problem.at(at, Flaw.TOO_DEEP, "is nested too deeply", "use at most 8 levels")
        raise refused("ruleset_invalid", f"The {what} is not valid", [deep])
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        raise refused("ruleset_invalid", f"The {what} is not valid", problems(error, document, at)) from error


def problems(error: ValidationError, document: Any, at: str) -> list[Problem]:
    """Every problem once, in document order; where a deeper one tells why, the outer is left out."""
    found: dict[Steps, Problem] = {}
    for item in error.errors(include_url=False, include_context=True):
        where = (*steps_of(at), *_followed(item["loc"], document, missing=item["type"] == "missing"))
        flaw, wrong, remedy = _told(item["type"], item["msg"], item.get("input"), item.get("ctx", {}))
        found.setdefault(where, Problem(flaw, where, wrong, remedy))
    return [one for steps, one in found.items() if not any(_inside(other, steps) for other in found)]


def _inside(steps: Steps, outer: Steps) -> bool:
    """True where a deeper problem already tells why the outer one arose."""
    return steps != outer and steps[: len(outer)] == outer


def _followed(steps: Sequence[str | int], document: Any, *, missing: bool) -> Iterator[str | int]:
    """Pydantic's location through the document, without the names of union members."""
    here = document
    for step in steps:
        known = isinstance(here, list | tuple) and isinstance(step, int) and step < len(here)
        if known or (isinstance(here, dict) and step in here):
            here = here[step]
            yield step
    if missing:
        yield steps[-1]


def _told(kind: str, message: str, given: Any, context: Mapping[str, Any]) -> tuple[Flaw, str, str]:
    """What is wrong and what to do; our own validators say both in one sentence, parted by a colon."""
    if plain := _PLAIN.get(kind):
        return plain
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        wrong = f"is not a condition: {_named(given)}"
        return Flaw.UNKNOWN_CONDITION, wrong, f"use all, any, not or {_leaves(context)}"
    if message.startswith("Value error"):
        wrong, _, remedy = message.removeprefix("Value error, ").rpartition(": ")
        return Flaw.WRONG_VALUE, wrong, remedy
    said = message.removeprefix("Input ").rstrip(".")
    shown = f" (got {given!r})" if isinstance(given, str | int | float) else ""
    return Flaw.WRONG_VALUE, f"{said}{shown}", _BY_SCHEMA


_PLAIN: Mapping[str, tuple[Flaw, str, str]] = {
    "missing": (Flaw.MISSING, "is missing", "add it"),
    "extra_forbidden": (Flaw.UNKNOWN_KEY, "is not known here", "remove it or correct its spelling"),
    "too_short": (Flaw.EMPTY, "is empty", "give at least one"),
    "too_long": (Flaw.NOT_TAKEN, "is not allowed here", "leave it out"),
}


def _named(given: Any) -> str:
    return f"type {given['type']!r}" if isinstance(given, dict) and "type" in given else "no type, all, any or not"


def _leaves(context: Mapping[str, Any]) -> str:
    """The leaf types by name; where nothing names a type, that one is needed."""
    known = [tag for tag in _TAG.findall(context.get("expected_tags", "")) if not tag.endswith("_of")]
    return f"one of {', '.join(known)}" if known else "a leaf with its type"


def _nesting(document: Any) -> int:
    level, layer = 0, [document]
    while layer and level <= MAX_NESTING:
        level += 1
        layer = [child for node in layer for child in _children(node)]
    return level


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return list(node) if isinstance(node, list) else []
