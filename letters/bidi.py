"""Reading direction: which way each character runs and in what order the pieces of a line stand (UAX #9)."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, TypeVar

from letters.fpdf_parts import BidiParagraph, TextDirection
from rules.letters.values import below_hebrew

INVISIBLE = frozenset("\u2066\u2067\u2068\u2069\u200e\u200f")
"""Isolates and direction marks: they steer and are not drawn."""
TURNING = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})


class Levelled(Protocol):
    @property
    def level(self) -> int: ...


L = TypeVar("L", bound=Levelled)


@lru_cache(maxsize=4096)
def levels(text: str, *, rtl: bool) -> tuple[int, ...] | None:
    """Embedding level of each character, odd from right to left; None when all of it runs from left to right."""
    if not rtl and (below_hebrew(text) or not any(unicodedata.bidirectional(point) in TURNING for point in text)):
        return None
    base = TextDirection.RTL if rtl else TextDirection.LTR
    known = {c.character_index: c.embedding_level for c in BidiParagraph(text=text, base_direction=base).characters}
    found: list[int] = []
    for index in range(len(text)):  # marks that the algorithm removes take the level before them
        found.append(known.get(index, found[-1] if found else int(rtl)))
    return tuple(found)


def visual_order(pieces: Sequence[L]) -> list[L]:
    """Rule L2: from the highest level down, turn every stretch at that level or above."""
    ordered = list(pieces)
    highest = max((piece.level for piece in ordered), default=0)
    for level in range(highest, 0, -1):
        start = 0
        while start < len(ordered):
            end = start
            while end < len(ordered) and ordered[end].level >= level:
                end += 1
            ordered[start:end] = ordered[start:end][::-1]
            start = max(end, start + 1)
    return ordered
