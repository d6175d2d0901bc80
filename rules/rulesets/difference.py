"""The difference of two versions of a rule set, in words: what was added, taken away, changed or moved, and where."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from rules.rulesets.conditions import AllOf, AnyOf, Condition, NotOf
from rules.rulesets.describing import described
from rules.rulesets.model import RuleSet
from rules.rulesets.parameters import Leaf
from rules.rulesets.problems import Steps, place_of, pointer_of
from rules.rulesets.reasoning import implies

_TREES: Final = (AllOf, AnyOf, NotOf, Leaf)
_NAMES: Final = ("key", "name", "check", "text", "at")
"""What an item of a list goes by, the first that it has."""


class Change(StrEnum):
    """Kinds of difference."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `steps` lead into the newer document, or into the older where the thing is gone."""

    change: Change
    steps: Steps
    words: str

    @property
    def place(self) -> str:
        return place_of(self.steps)

    @property
    def pointer(self) -> str:
        return pointer_of(self.steps)


def differences(old: RuleSet, new: RuleSet) -> tuple[Difference, ...]:
    """Every difference in the order of the document; none where both say the same."""
    return tuple(_of_models((), "", old, new))


def _of_models(steps: Steps, name: str, old: BaseModel, new: BaseModel) -> Iterator[Difference]:
    for field, about in type(new).model_fields.items():
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            said = f"{name} {field.replace('_', ' ')}".strip()
            yield from _of_values((*steps, about.alias or field), said, before, after)


def _of_values(steps: Steps, name: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, _TREES) and isinstance(new, _TREES):
        yield Difference(Change.CHANGED, steps, f"{name}: {_changed_condition(old, new)}")
    elif _listed(old) or _listed(new):
        yield from _of_lists(steps, name, old, new)
    elif isinstance(old, BaseModel) and isinstance(new, BaseModel):
        yield from _of_models(steps, name, old, new)
    else:
        yield Difference(Change.CHANGED, steps, f"{name}: {_said(old)} becomes {_said(new)}")


def _listed(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value)


def _changed_condition(old: Condition | Leaf, new: Condition | Leaf) -> str:
    """Both in words, and whether the newer asks for more or for less."""
    harder, easier = implies(new, old), implies(old, new)
    effect = {(True, True): "the same in effect", (True, False): "asks for more", (False, True): "asks for less"}
    told = effect.get((harder, easier))
    return f"{described(old)}, becomes: {described(new)}{f' ({told})' if told else ''}"


def _of_lists(steps: Steps, name: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Difference]:
    """Items are matched by what they go by; those in both are compared, and then their order."""
    before, after = _by_name(old), _by_name(new)
    for at, item in enumerate(old):
        if _name(item) not in after:
            yield Difference(Change.REMOVED, (*steps, at), f"{name}: {_item(item)} is taken away")
    for at, item in enumerate(new):
        known = before.get(_name(item))
        if known is None:
            yield Difference(Change.ADDED, (*steps, at), f"{name}: {_item(item)} is added")
        else:
            yield from _of_models((*steps, at), f"{name} {_name(item)},", known, item)
    yield from _moved(steps, name, [key for key in before if key in after], [key for key in after if key in before])


def _moved(steps: Steps, name: str, old: list[str], new: list[str]) -> Iterator[Difference]:
    if old != new:
        yield Difference(Change.MOVED, steps, f"{name}: the order {', '.join(old)} becomes {', '.join(new)}")


def _by_name(items: Sequence[Any]) -> dict[str, Any]:
    return {_name(item): item for item in items}


def _name(item: Any) -> str:
    """What it goes by; a waiver by its check and stage."""
    named = next(str(getattr(item, field)) for field in _NAMES if hasattr(item, field))
    stage = getattr(item, "stage", None)
    return f"{named} of {stage}" if stage else named


def _item(item: Any) -> str:
    """A whole item: its name, its kind, and what it asks for."""
    kind = getattr(item, "type", None)
    when = getattr(item, "when", None)
    return _name(item) + (f" ({kind})" if kind else "") + (f", when {described(when)}" if when else "")


def _said(value: Any) -> str:
    if value is None or value == ():
        return "nothing"
    if isinstance(value, _TREES):
        return described(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_said(value[key])}" for key in sorted(value))
    return f"'{value}'" if isinstance(value, str) and " " in value else str(value)
