"""Redaction: leaves out of free text everybody who must not be in it; pure, so that a test can try every spelling."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

LEFT_OUT: Final = "[left out]"
SHORTEST: Final = 3  # shorter parts of a name are words of the language far more often than people


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

    def _terms(self) -> set[str]:
        kept = {part.casefold() for person in self.shown for part in _parts(person.name)}
        parts = {part for person in self.hidden for part in _parts(person.name) if part.casefold() not in kept}
        known = {one.strip() for person in self.hidden for one in person.known_by if one.strip()}
        return parts | known


def _parts(name: str) -> Iterable[str]:
    return (part for part in re.split(r"[\s,.]+", name) if len(part) >= SHORTEST)


def _spelled(term: str) -> str:
    """As a word of its own; spaces may be any, so that a line break hides nobody."""
    words = r"\s+".join(re.escape(word) for word in term.split())
    return rf"(?<!\w){words}(?!\w)"
