"""Reading a rule document: every problem is named by its place in what the author wrote."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from rules.errors import Invalid

T = TypeVar("T")

_TAG = re.compile(r"'(\w+)'")
MAX_NESTING = 60
"""Far above what an accepted rule set needs (trees have at most eight levels); stops a document meant to exhaust us."""


def read(adapter: TypeAdapter[T], document: Any, *, at: str, what: str) -> T:
    """Validate a JSON document, or raise Invalid whose fields point into it."""
    if _nesting(document) > MAX_NESTING:
        raise Invalid("ruleset_invalid", f"The {what} is nested too deeply.", fields={at: "use at most 8 levels"})
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        fields = problems(error, document, at)
        first, reason = next(iter(fields.items()))
        more = f" ({len(fields) - 1} more)" if len(fields) > 1 else ""
        raise Invalid("ruleset_invalid", f"The {what} is not valid: {first}: {reason}{more}.", fields=fields) from error


def problems(error: ValidationError, document: Any, at: str) -> dict[str, str]:
    """Place -> what to do, in document order; places read `entry.any[0].params.count`."""
    found: dict[str, str] = {}
    for item in error.errors(include_url=False, include_context=True):
        where = place(item["loc"], document, at, missing=item["type"] == "missing")
        found.setdefault(where, _sentence(item["type"], item["msg"], item.get("input"), item.get("ctx", {})))
    return {path: reason for path, reason in found.items() if not any(_inside(other, path) for other in found)}


def _inside(path: str, outer: str) -> bool:
    """True where a deeper problem already tells why the outer one arose."""
    return path != outer and path.startswith((f"{outer}.", f"{outer}["))


def place(steps: Sequence[str | int], document: Any, at: str, *, missing: bool = False) -> str:
    """Follow pydantic's location through the document, leaving out the names of union members."""
    here, path = document, at
    for step in steps:
        if isinstance(here, list | tuple) and isinstance(step, int) and step < len(here):
            here, path = here[step], f"{path}[{step}]"
        elif isinstance(here, dict) and step in here:
            here, path = here[step], _join(path, step)
    return (_join(path, steps[-1]) if missing else path) or "."


def _join(path: str, step: str | int) -> str:
    return f"{path}.{step}" if path else str(step)


def _sentence(kind: str, message: str, given: Any, context: Mapping[str, Any]) -> str:
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return "is not known here: remove it or correct its spelling"
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return f"is not a condition: {_named(given)}; use all, any, not or {_leaves(context)}"
    if kind == "too_short":
        return "is empty: give at least one"
    if kind == "too_long":
        return "is not allowed here: leave it out"
    text = message.removeprefix("Value error, ")
    plain = isinstance(given, str | int | float) and not message.startswith("Value error")
    return f"{text} (got {given!r})" if plain else text


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
