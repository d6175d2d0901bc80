"""What is wrong with a rule document: typed, with the place and a JSON pointer to it, and what to do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from rules.errors import Invalid

Steps = tuple[str | int, ...]
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Flaw(StrEnum):
    """Kinds of problem; stable, safe to branch on."""

    MISSING = "missing"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_CONDITION = "unknown_condition"
    EMPTY = "empty"
    NOT_TAKEN = "not_taken"
    """Known in the language, but not at this place."""
    WRONG_VALUE = "wrong_value"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    REPEATED_KEY = "repeated_key"
    UNKNOWN_STAGE = "unknown_stage"
    UNKNOWN_EVENT = "unknown_event"
    NEEDS_A_PERSON = "needs_a_person"
    CONFLICT = "conflict"
    """Two parts of the document cannot both stand."""
    ELSEWHERE = "elsewhere"
    """Law of another place, or of another time."""
    UNCONFIRMED = "unconfirmed"
    """Law of which somebody must first confirm what is written."""
    NOT_BUILT = "not_built"
    CARE_FLAG = "care_flag"
    TEST_FAILS = "test_fails"
    CONTRADICTION = "contradiction"
    NEVER_FIRES = "never_fires"
    ALWAYS_TRUE = "always_true"
    EASIER_RUNG = "easier_rung"
    STOP_COVERS = "stop_covers"
    """A stop holds whenever a step is due."""
    LOOSER_THAN_LAW = "looser_than_law"
    """A tenant's layer asks for less than the law, or acts sooner than it allows."""
    NO_CITATION = "no_citation"
    BOUNDARY = "boundary"
    """A leaf that is not seen both true and false around its threshold, or comes out wrong there."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, where it is, and what the author does about it."""

    flaw: Flaw
    steps: Steps
    wrong: str
    remedy: str

    @classmethod
    def at(cls, place: str, flaw: Flaw, wrong: str, remedy: str) -> Self:
        """By a place as people write it: `stages[0].when`."""
        return cls(flaw, steps_of(place), wrong, remedy)

    @property
    def place(self) -> str:
        """`entry.any[0].params.count`; the whole document is `.`."""
        return place_of(self.steps) or "."

    @property
    def pointer(self) -> str:
        """RFC 6901: `/entry/any/0/params/count`; the whole document is the empty text."""
        return pointer_of(self.steps)

    @property
    def sentence(self) -> str:
        return f"{self.wrong}: {self.remedy}"

    def data(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"pointer": self.pointer, "flaw": str(self.flaw), "wrong": self.wrong, "remedy": self.remedy}


def refused(code: str, opening: str, problems: Iterable[Problem]) -> Invalid:
    """The refusal of a document: the first problem in the message, all of them as `fields` and typed as `errors`."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.place, problem)
    ordered = list(found.values())
    more = f" ({len(ordered) - 1} more)" if len(ordered) > 1 else ""
    return Invalid(
        code,
        f"{opening}: {ordered[0].place}: {ordered[0].sentence}{more}.",
        fields={problem.place: problem.sentence for problem in ordered},
        errors=[problem.data() for problem in ordered],
    )


def pointer_of(steps: Iterable[str | int]) -> str:
    """RFC 6901: steps into a document as a machine follows them."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def place_of(steps: Iterable[str | int]) -> str:
    """Steps into a document as people write them."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def steps_of(place: str) -> Steps:
    """A place as people write it, step by step."""
    return tuple(int(index) if index else name for name, index in _STEP.findall(place))
