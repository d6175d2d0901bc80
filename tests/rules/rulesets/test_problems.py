"""A problem of a rule document is typed, points into it, and says what to do."""

from typing import Any, cast

import pytest

from rules.errors import Invalid
from rules.rulesets.problems import Flaw, Problem, refused, steps_of
from rules.rulesets.ruleset import parse_ruleset

COUNT: dict[str, Any] = {"type": "AbsenceCountThreshold", "params": {"count": 5, "window": 30}}
STAGE: dict[str, Any] = {"key": "contact", "type": "CONTACT"}
SMALL: dict[str, Any] = {"key": "small", "title": "Small", "entry": COUNT, "stages": [STAGE]}


def followed(document: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer stands for."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


@pytest.mark.parametrize(
    ("changes", "pointer", "flaw", "remedy"),
    [
        ({"entry": {"any": [COUNT, {"type": "X"}]}}, "/entry/any/1", Flaw.UNKNOWN_CONDITION, "use all, any, not or"),
        ({"entry": {**COUNT, "params": {"window": 30}}}, "/entry/params/count", Flaw.MISSING, "add it"),
        ({"stages": [{**STAGE, "colour": 1}]}, "/stages/0/colour", Flaw.UNKNOWN_KEY, "correct its spelling"),
        ({"stages": []}, "/stages", Flaw.EMPTY, "at least one"),
        ({"stages": [STAGE, STAGE]}, "/stages", Flaw.REPEATED_KEY, "each its own"),
        ({"title": 3}, "/title", Flaw.WRONG_VALUE, "JSON Schema"),
        (
            {"entry": {"type": "AgeBetween", "params": {"from": 9, "to": 6}}},
            "/entry/params",
            Flaw.WRONG_VALUE,
            "swap them",
        ),
        (
            {"tests": [{"name": "n", "given": {"absent~days/ytd": "x"}, "expect": {"decision": "WAIT"}}]},
            "/tests/0/given/absent~0days~1ytd",
            Flaw.WRONG_VALUE,
            "JSON Schema",
        ),
    ],
)
def test_each_kind_points_at_its_place(changes: dict[str, Any], pointer: str, flaw: Flaw, remedy: str) -> None:
    document = {**SMALL, **changes}
    with pytest.raises(Invalid) as caught:
        parse_ruleset(document)
    (error,) = cast("list[dict[str, str]]", caught.value.extra["errors"])
    assert (error["pointer"], error["flaw"]) == (pointer, flaw)
    assert error["wrong"]
    assert remedy in error["remedy"]
    if flaw is not Flaw.MISSING:
        followed(document, error["pointer"])


def test_the_whole_document_is_the_empty_pointer() -> None:
    problem = Problem.at("", Flaw.WRONG_VALUE, "is no object", "send one")
    assert (problem.pointer, problem.place) == ("", ".")


def test_a_place_reads_back_as_steps() -> None:
    assert steps_of("stages[2].escalate[0].to") == ("stages", 2, "escalate", 0, "to")
    assert steps_of("[3].when") == (3, "when")


def test_a_refusal_names_each_place_once_and_counts_the_rest() -> None:
    found = [Problem.at(place, Flaw.EMPTY, wrong, "fill it") for place, wrong in (("a", "1"), ("b", "2"), ("a", "3"))]
    refusal = refused("code", "Refused", found)
    assert refusal.fields == {"a": "1: fill it", "b": "2: fill it"}
    assert refusal.message == "Refused: a: 1: fill it (1 more)."
