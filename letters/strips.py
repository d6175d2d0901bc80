"""The strips a page is made of: as wide as the text, as high as they say, never divided."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from letters.errors import TextOverflow
from letters.lines import Line
from letters.pen import Pen

Draw = Callable[[Pen, float, float], None]
"""Draws at (left, top)."""


@dataclass(frozen=True)
class Strip:
    """One line of text or one row of a table. `repeat` stands again at the top of a page that begins with this one."""

    height: float
    draw: Draw
    before: float = 0
    with_next: bool = False
    new_page: bool = False
    repeat: tuple["Strip", ...] = ()


@dataclass(frozen=True)
class Placed:
    strip: Strip
    top: float


def text_draw(line: Line, x: float, width: float) -> Draw:
    """Draw a line at its indent, from the side its language begins at."""

    def draw(pen: Pen, left: float, top: float) -> None:
        pen.line(line, left + x, top, width, flush_right=line.style.rtl)

    return draw


def paginate(strips: Sequence[Strip], first_height: float, next_height: float) -> list[list[Placed]]:
    """Fill pages from the top; strips that belong together move together, unless they need more than a page."""
    book = _Book(first_height, next_height)
    for group in _together(strips):
        height = sum(strip.before + strip.height for strip in group)
        if group[0].new_page or (not book.has_room(height) and height <= next_height):
            book.turn()
        for strip in group:
            book.place(strip)
    return book.pages


class _Book:
    """The pages so far and how much of the last one is used."""

    def __init__(self, first_height: float, next_height: float) -> None:
        self.pages: list[list[Placed]] = [[]]
        self._room = first_height
        self._next_height = next_height
        self._used = 0.0

    def has_room(self, height: float) -> bool:
        return self._used + height <= self._room

    def turn(self) -> None:
        if self.pages[-1]:
            self.pages.append([])
            self._room, self._used = self._next_height, 0.0

    def place(self, strip: Strip) -> None:
        if not self.has_room(strip.before + strip.height):
            self.turn()
        if not self.pages[-1] and len(self.pages) > 1:
            for head in strip.repeat:
                self._put(head)
        self._put(strip)

    def _put(self, strip: Strip) -> None:
        top = self._used + (strip.before if self.pages[-1] else 0)
        if top + strip.height > self._room:
            raise TextOverflow("A row of a table")
        self.pages[-1].append(Placed(strip, top))
        self._used = top + strip.height


def _together(strips: Sequence[Strip]) -> Iterator[list[Strip]]:
    group: list[Strip] = []
    for strip in strips:
        if group and not group[-1].with_next:
            yield group
            group = []
        group.append(strip)
    if group:
        yield group
