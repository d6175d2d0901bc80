"""A tenant's layer over a shipped pack: what it says differently, place by place, with the citations kept."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, TypeAdapter

from rules.rulesets.documents import read
from rules.rulesets.law import Override, PackRef, RuleKey, Text
from rules.rulesets.legal_limits import looser
from rules.rulesets.model import AttachedTest, RuleSet
from rules.rulesets.parameters import Strict
from rules.rulesets.problems import Flaw, Problem, refused
from rules.rulesets.ruleset import OF_LAW, digest, dump_ruleset, load_pack, parse_ruleset

Steps = Sequence[str]
Document = dict[str, Any]


class Wanted(Strict):
    """One thing to say differently: `stages/letter-1/wait_school_days`, its value and why."""

    at: Annotated[str, Field(pattern=r"^[a-z_]+(/[a-z0-9_-]+){0,3}$", max_length=200)]
    value: Any
    reason: Text
    source: Text | None = None
    """What was read to confirm an item to verify."""


class Layer(Strict):
    """What an author writes: the pack, and what is different; tests of the same name stand in for the pack's."""

    pack: RuleKey
    key: RuleKey | None = None
    title: Text | None = None
    overrides: tuple[Wanted, ...] = ()
    tests: tuple[AttachedTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Author:
    """Who says it and when; what an earlier version already said keeps its own author and day."""

    by: UUID | None
    on: date
    earlier: tuple[Override, ...] = ()

    def signed(self, wanted: Wanted, was: Any) -> dict[str, Any]:
        said = Override(at=wanted.at, was=was, value=wanted.value, reason=wanted.reason, source=wanted.source)
        known = next((one for one in self.earlier if (one.at, one.value, one.reason, one.source) == _said(said)), None)
        by, on = (known.by, known.on) if known else (self.by, self.on)
        return said.model_copy(update={"by": by, "on": on}).model_dump(mode="json", exclude_defaults=True)


def _said(override: Override) -> tuple[str, Any, str, str | None]:
    return override.at, override.value, override.reason, override.source


_LAYER: Final[TypeAdapter[Layer]] = TypeAdapter(Layer)


def is_layer(document: Mapping[str, Any]) -> bool:
    """Whether a document names a pack and what is different, rather than a whole rule set."""
    return isinstance(document.get("pack"), str) and "stages" not in document


def layered(document: Mapping[str, Any], author: Author) -> RuleSet:
    """The pack with the layer's overrides, each with what it was; Invalid where the law is made looser."""
    layer = read(_LAYER, dict(document), at="", what="layer")
    pack = load_pack(layer.pack)
    drawn = dump_ruleset(pack)
    signed = [author.signed(wanted, _put(drawn, n, wanted, author)) for n, wanted in enumerate(layer.overrides)]
    drawn["key"], drawn["title"] = layer.key or pack.key, layer.title or pack.title
    drawn["tests"] = _tests(drawn.get("tests", []), layer.tests)
    drawn["pack"] = PackRef(name=layer.pack, digest=digest(pack)).model_dump()
    drawn["overrides"] = signed
    content = parse_ruleset(drawn)
    places = {wanted.at: n for n, wanted in enumerate(layer.overrides)}
    found = [_against_law(places, at, wrong) for at, wrong in looser(pack, content)]
    if found:
        raise refused("law_loosened", "The layer is not accepted", found)
    return content


def _against_law(places: Mapping[str, int], at: str, wrong: str) -> Problem:
    n = next((n for place, n in places.items() if at.startswith(place)), 0)
    return Problem.at(f"overrides[{n}].value", Flaw.LOOSER_THAN_LAW, wrong, "leave what the law says, or ask for more")


def _tests(shipped: Sequence[Document], own: Sequence[AttachedTest]) -> list[Document]:
    mine = {test.name: test.model_dump(mode="json", exclude_defaults=True) for test in own}
    return [mine.pop(test["name"], test) for test in shipped] + list(mine.values())


def whole(document: Mapping[str, Any], author: Author) -> RuleSet:
    """Read a whole rule set; one that says it is a pack, or a layer over one, must be just that."""
    content = parse_ruleset(dict(document))
    if content.pack is None and not content.overrides:
        return _by_its_own_name(content, author)
    name = content.pack.name if content.pack else content.key
    rewritten = layered(_as_layer(name, content), author)
    if _unsigned(rewritten) != _unsigned(content):
        wrong = f"says more than its overrides: it is not {name} with these changes"
        raise refused("ruleset_pack_fixed", "The layer is not accepted", [_not_the_pack("overrides", wrong)])
    return rewritten


def _by_its_own_name(content: RuleSet, author: Author) -> RuleSet:
    if content.key not in OF_LAW:
        return content
    if digest(content) == digest(load_pack(content.key)):
        return layered({"pack": content.key}, author)
    wrong = f"is the key of a pack of law, and this is not what {content.key} says"
    raise refused("ruleset_pack_fixed", "The rule set is not accepted", [_not_the_pack("key", wrong)])


def _not_the_pack(place: str, wrong: str) -> Problem:
    remedy = "send {pack, overrides}, each override with its place, value and reason; or use a key of your own"
    return Problem.at(place, Flaw.CONFLICT, wrong, remedy)


def _as_layer(name: str, content: RuleSet) -> Document:
    wanted = [one.model_dump(mode="json", include={"at", "value", "reason", "source"}) for one in content.overrides]
    shipped = {test.name: test for test in load_pack(name).tests}
    own = [test for test in content.tests if shipped.get(test.name) != test]
    tests = [test.model_dump(mode="json", exclude_defaults=True) for test in own]
    return {"pack": name, "key": content.key, "title": content.title, "overrides": wanted, "tests": tests}


def _unsigned(content: RuleSet) -> Document:
    """Without who said it and what it was: those are ours to write."""
    drawn = dump_ruleset(content)
    return {**drawn, "pack": None, "overrides": [(one.at, one.value, one.reason) for one in content.overrides]}


def _put(drawn: Document, n: int, wanted: Wanted, author: Author) -> Any:
    """Say it differently in the pack's document; what it was."""
    steps = wanted.at.split("/")
    change = _CHANGES.get((steps[0], len(steps)))
    if change is None or (len(steps) > 1 and steps[-1] not in _FIELDS.get(steps[0], {steps[-1]})):
        raise _refused(n, "at", f"cannot be changed in a pack: {wanted.at}", f"use one of {_PLACES}")
    return change(drawn, n, wanted, author)


def _refused(n: int, field: str, wrong: str, remedy: str) -> Exception:
    problem = Problem.at(f"overrides[{n}].{field}", Flaw.NOT_TAKEN, wrong, remedy)
    return refused("layer_invalid", "The layer is not accepted", [problem])


def _top(drawn: Document, _n: int, wanted: Wanted, _author: Author) -> Any:
    was = drawn.get(wanted.at)
    drawn[wanted.at] = wanted.value
    return was


def _of_part(drawn: Document, _n: int, wanted: Wanted, _author: Author) -> Any:
    part, field = wanted.at.split("/")
    held = drawn.setdefault(part, {})
    was = held.get(field)
    held[field] = wanted.value
    return was


def _of_item(drawn: Document, n: int, wanted: Wanted, _author: Author) -> Any:
    part, key, *fields = wanted.at.split("/")
    held = _item(drawn, n, part, key)
    for field in fields[:-1]:
        held = held.setdefault(field, {})
    was = deepcopy(held.get(fields[-1]))
    held[fields[-1]] = wanted.value
    return was


def _item(drawn: Document, n: int, part: str, key: str) -> Document:
    listed: list[Document] = drawn.get(part, [])
    found = next((item for item in listed if item["key"] == key), None)
    if found is None:
        known = ", ".join(item["key"] for item in listed) or "none"
        raise _refused(n, "at", f"names no item of {part}: {key}", f"use one of {known}")
    return found


def _new_watch(drawn: Document, n: int, wanted: Wanted, _author: Author) -> Any:
    """A policy of the tenant's own, shown to staff beside what the law asks."""
    key, value = wanted.at.split("/")[1], wanted.value
    if any(item["key"] == key for item in drawn.get("watch", [])):
        raise _refused(n, "at", f"is a watch of the pack: {key}", f"change watch/{key}/when, or take another key")
    if not isinstance(value, dict) or value.get("authority", "policy") != "policy":
        raise _refused(n, "value", "adds something that claims to be law", "add a watch whose authority is policy")
    drawn.setdefault("watch", []).append({**value, "key": key})
    return None


def _confirmed(drawn: Document, n: int, wanted: Wanted, author: Author) -> Any:
    """Put in force what waited to be confirmed, with the source somebody read."""
    item = _item(drawn, n, "verify", wanted.at.split("/")[1])
    if wanted.source is None:
        raise _refused(n, "source", "is missing", "name what was read to confirm it")
    if wanted.value is not True and not {"names", "effective_from"} & set(item):
        raise _refused(n, "value", "neither confirms nor leaves it", "say true once it is confirmed")
    drawn["verify"].remove(item)
    if "effective_from" in item:
        drawn["effective_from"] = item["effective_from"] if wanted.value is True else wanted.value
    for part, listed in (("duty", "duties"), ("watch", "watch")):
        if part in item:
            drawn.setdefault(listed, []).append(item[part])
            drawn["citations"] = [*drawn.get("citations", []), _read_by(item[part], wanted, author)]
    if "names" in item:
        _name(_item(drawn, n, "duties", item["names"]), n, wanted)
    return item["note"]


def _read_by(held: Document, wanted: Wanted, author: Author) -> Document:
    authority = held.get("authority", "statute")
    return {
        "authority": authority,
        "text": held["cite"],
        "source": wanted.source,
        "checked_on": author.on.isoformat(),
    }


def _name(duty: Document, n: int, wanted: Wanted) -> None:
    """Say a law's codes or year groups in the words of the tenant's own register."""
    if not isinstance(wanted.value, list) or not wanted.value:
        raise _refused(n, "value", "names nothing", "list the words your register uses")
    _renamed(duty["when"], wanted.value)


def _renamed(node: Any, names: list[Any]) -> None:
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            _renamed(child, names)
    for field in ("codes", "exclude_codes", "in"):
        if isinstance(node, dict) and isinstance(node.get(field), list):
            node[field] = names


Change = Callable[[Document, int, Wanted, Author], Any]
_CHANGES: Final[Mapping[tuple[str, int], Change]] = {
    ("entry", 1): _top,
    ("register_query", 1): _top,
    ("scope", 2): _of_part,
    ("follow_up", 2): _of_part,
    ("stages", 3): _of_item,
    ("duties", 3): _of_item,
    ("duties", 4): _of_item,
    ("watch", 2): _new_watch,
    ("watch", 3): _of_item,
    ("verify", 2): _confirmed,
}
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "scope": frozenset({"schools"}),
    "follow_up": frozenset({"weeks", "relapse", "relapse_to"}),
    "stages": frozenset(
        {
            "when",
            "template",
            "approval",
            "channels",
            "wait_school_days",
            "period_school_weeks",
            "within_school_days",
            "max_reschedules",
            "case_tier",
            "recipient",
        }
    ),
    "duties": frozenset({"when", "recipient", "n"}),
}
_PLACES: Final = (
    "entry, register_query, scope/schools, follow_up/{weeks|relapse|relapse_to}, "
    "stages/KEY/{when|template|approval|channels|wait_school_days|period_school_weeks|within_school_days|max_reschedules|"
    "case_tier|recipient}, "
    "duties/KEY/{when|recipient}, duties/KEY/deadline/n, watch/KEY (a new one), watch/KEY/when, verify/KEY"
)
