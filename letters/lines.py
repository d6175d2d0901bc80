"""From styled text to lines: greedy breaking at spaces, in any direction."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from letters.bidi import levels, visual_order
from letters.errors import TextOverflow
from letters.fonts import STACKS, UNITS
from letters.shaping import Piece, pieces_of, shaped
from rules.letters.blocks import Run

WORD = re.compile(r"[^ ]+")
"""ASCII space only: a no-break space keeps numbers, dates and names together."""
ROUNDING = 1.0  # a thousandth of the size: a column made as wide as its word must hold it


@dataclass(frozen=True)
class TextStyle:
    """How a block of text is set; `rtl` is the direction of its paragraphs."""

    size: float
    leading: float
    rtl: bool = False
    strong: bool = False
    colour: str = "#1a1a1a"


@dataclass(frozen=True)
class Line:
    """Pieces in visual order and their width in points."""

    pieces: tuple[Piece, ...]
    width: float
    style: TextStyle


Word = tuple[tuple[Piece, ...], float, int]
"""Pieces, width in thousandths, and the level of the space before it."""


def set_lines(runs: Sequence[Run], style: TextStyle, width: float) -> list[Line]:
    """Break styled text into lines no wider than `width` points."""
    lines: list[Line] = []
    for runs_of_line in _hard_lines(runs):
        lines += _broken(_words(runs_of_line, style), style, width * UNITS / style.size + ROUNDING)
    return lines


def one_line(text: str, style: TextStyle) -> Line:
    """Text that must stay on one line, whatever its width."""
    (line,) = set_lines([Run(text.replace("\n", " "))], style, float("inf"))
    return line


def natural_width(runs: Sequence[Run], style: TextStyle) -> tuple[float, float]:
    """Width of the widest word, and of the text on one line: what a table column needs and would like."""
    words = [width for hard in _hard_lines(runs) for _, width, _ in _words(hard, style)]
    lines = set_lines(runs, style, float("inf"))
    return max(words, default=0) * style.size / UNITS, max((line.width for line in lines), default=0)


def _hard_lines(runs: Sequence[Run]) -> Iterator[list[Run]]:
    current: list[Run] = []
    for run in runs:
        if "\n" not in run.text:
            current.append(run)
            continue
        first, *others = run.text.split("\n")
        current.append(replace(run, text=first))
        for text in others:
            yield current
            current = [replace(run, text=text)]
    yield current


def _words(runs: Sequence[Run], style: TextStyle) -> Iterator[Word]:
    """The words of one paragraph, each in pieces by style, face and direction."""
    text = "".join(run.text for run in runs)
    found = levels(text, rtl=style.rtl)
    ends, end = [], 0
    for run in runs:
        end += len(run.text)
        ends.append((end, (run.strong or style.strong, run.emphasis)))
    if found is None and len(ends) == 1:  # most of what is set
        yield from (_plain_word(word, ends[0][1], style.rtl) for word in text.split(" ") if word)
        return
    for match in WORD.finditer(text):
        pieces: list[Piece] = []
        start, stop = match.span()
        for edge, look in ends:
            if edge > start:
                upto = min(edge, stop)
                pieces += pieces_of(text[start:upto], look, found[start:upto] if found else None)
                start = upto
            if start == stop:
                break
        space = found[match.start() - 1] if found and match.start() else int(style.rtl)
        yield tuple(pieces), sum(piece.shape.width for piece in pieces), space


@lru_cache(maxsize=65536)
def _plain_word(text: str, look: tuple[bool, bool], rtl: bool) -> Word:  # noqa: FBT001 - lru_cache keys by position
    """A word of one style that runs from left to right."""
    pieces = pieces_of(text, look, None)
    return pieces, sum(piece.shape.width for piece in pieces), int(rtl)


def _broken(words: Iterator[Word], style: TextStyle, width: float) -> Iterator[Line]:
    """Greedy lines; an empty paragraph is one empty line. `width` in thousandths of the size."""
    name = STACKS[style.strong, False][0]
    gap = shaped(name, " ", rtl=False)
    line: list[Piece] = []
    used = 0.0
    for whole in words:
        for pieces, wide, space in _fitting(whole, width):
            if line and used + gap.width + wide > width:
                yield _line(line, style)
                line, used = [], 0.0
            if line:
                line.append(Piece(name, space, gap))
                used += gap.width
            line += pieces
            used += wide
    yield _line(line, style)


def _fitting(word: Word, width: float) -> Iterator[Word]:
    """The word, or its parts where it is wider than a whole line; joined letters are never torn apart."""
    pieces, wide, space = word
    if wide <= width:
        yield word
        return
    if any(piece.level % 2 for piece in pieces):
        raise TextOverflow("A word")
    part: list[Piece] = []
    used = 0.0
    for piece in pieces:
        for cluster in _clusters(piece.shape.plain or "".join(glyph.text for glyph in piece.shape.glyphs)):
            shape = shaped(piece.face, cluster, rtl=False)
            if part and used + shape.width > width:
                yield tuple(part), used, space
                part, used = [], 0.0
            part.append(Piece(piece.face, piece.level, shape))
            used += shape.width
    yield tuple(part), used, space


def _clusters(text: str) -> Iterator[str]:
    """Characters with the marks that belong to them."""
    held = ""
    for point in text:
        if held and not unicodedata.category(point).startswith("M"):
            yield held
            held = ""
        held += point
    yield held


def _line(pieces: list[Piece], style: TextStyle) -> Line:
    turned = visual_order(pieces) if any(piece.level for piece in pieces) else pieces
    return Line(tuple(turned), sum(piece.shape.width for piece in pieces) * style.size / UNITS, style)
