"""Redaction: leaves out of free text everybody who must not be in it; pure, so that a test can try every spelling."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

LEFT_OUT: Final = "[left out]"
_ENDS: Final = re.compile(r"[.!?;:]+\s+|\s+[-\u2013\u2014]\s+|\n+")
SHORTEST: Final = 3  # shorter parts of a name are words of the language far more often than people
# What people call a relative in free text; a word that stands in no list is its own only spelling
CALLED: Final = (
    frozenset({"father", "dad", "daddy", "papa", "stepfather", "stepdad", "ex-husband", "husband"}),
    frozenset({"mother", "mum", "mummy", "mom", "mommy", "mama", "stepmother", "stepmum", "ex-wife", "wife"}),
    frozenset({"grandmother", "granny", "grandma", "nan", "nana"}),
    frozenset({"grandfather", "grandpa", "granddad", "grandad"}),
)
# Whoever else there is, these words say that there is somebody
ANOTHER: Final = frozenset({"other guardian", "other parent", "second parent", "both parents", "ex-partner"})


@dataclass(frozen=True)
class Person:
    """Somebody by name and by everything they are reached by."""

    name: str
    known_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Redactor:
    """Leaves `hidden` out of texts; a part of a name that `shown` shares stays, or the child would go too."""

    hidden: tuple[Person, ...]
    shown: tuple[Person, ...] = ()
    _pattern: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        terms = sorted(self._terms(), key=lambda term: (-len(term), term))
        found = "|".join(_spelled(term) for term in terms)
        object.__setattr__(self, "_pattern", re.compile(found, re.IGNORECASE) if found else None)

    def __call__(self, text: str | None) -> str:
        """The text with everybody hidden left out."""
        if not text or self._pattern is None:
            return text or ""
        return self._pattern.sub(LEFT_OUT, text)

    def sentences(self, text: str | None) -> str:
        """The text without every sentence that names somebody hidden: no mark tells that anybody was."""
        if not text or self._pattern is None:
            return text or ""
        hidden = [found.span() for found in self._pattern.finditer(text)]
        kept = [
            text[start:end]
            for start, end in _sentences(text)
            if all(end <= first or last <= start for first, last in hidden)
        ]
        return "".join(kept).strip(" ;,:\n\t-\u2013\u2014")

    def _terms(self) -> set[str]:
        kept = {part.casefold() for person in self.shown for part in _parts(person.name)}
        parts = {part for person in self.hidden for part in _parts(person.name) if part.casefold() not in kept}
        known = {one.strip() for person in self.hidden for one in person.known_by if one.strip()}
        return parts | known


def called(relationships: Iterable[str], own: str) -> tuple[str, ...]:
    """Words for these relatives that are none for the reader themself: a mother's copy may say mother."""
    mine = _calls(own)
    return tuple(sorted(ANOTHER | {word for one in relationships for word in _calls(one)} - mine))


def _calls(relationship: str) -> frozenset[str]:
    word = relationship.strip().casefold()
    return next((one for one in CALLED if word in one), frozenset({word} if len(word) >= SHORTEST else ()))


def _sentences(text: str) -> Iterable[tuple[int, int]]:
    """From where to where each goes; a dash, colon or semicolon ends one too, so that no more is lost than must be."""
    cuts = [0, *(found.end() for found in _ENDS.finditer(text)), len(text)]
    return pairwise(cuts)


def _parts(name: str) -> Iterable[str]:
    return (part for part in re.split(r"[\s,.]+", name) if len(part) >= SHORTEST)


def _spelled(term: str) -> str:
    """As a word of its own; spaces may be any, so that a line break hides nobody."""
    words = r"\s+".join(re.escape(word) for word in term.split())
    return rf"(?<!\w){words}(?!\w)"
