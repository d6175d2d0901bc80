"""From words to glyphs: the face of each character, HarfBuzz shapes, and codes for glyphs without a character."""

import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import uharfbuzz
from reportlab.pdfbase.ttfonts import ShapeData, ShapedStr

from letters.bidi import INVISIBLE
from letters.errors import MissingGlyph
from letters.fonts import STACKS, face

FEATURES = {"kern": True, "liga": False, "clig": False}
"""Latin ligatures off: copied and searched text keeps its letters. Arabic joining does not depend on them."""
PRIVATE_USE = range(0xE000, 0xF900)
DRAWING = threading.Lock()
"""reportlab's fonts belong to the process and we add codes to them while a letter is drawn: one letter at a time."""


class Glyph(NamedTuple):
    """One glyph: `text` is the character it stands for, empty if it has none; measures in thousandths."""

    number: int
    text: str
    advance: float
    right: float
    up: float
    cluster: int


class Shape(NamedTuple):
    """A word in glyphs, in visual order. `plain`: drawing the text itself gives the same."""

    glyphs: tuple[Glyph, ...]
    width: float
    plain: str


@dataclass(frozen=True)
class Piece:
    """Text of one face and one direction, as wide as `shape` says."""

    face: str
    level: int
    shape: Shape


@lru_cache(maxsize=65536)
def pieces_of(word: str, style: tuple[bool, bool], levels: tuple[int, ...] | None) -> tuple[Piece, ...]:
    """Divide a word by face and level, and shape each part; repeated words are shaped once per process."""
    parts: list[tuple[str, int, str]] = []
    missing: set[str] = set()
    for index, point in enumerate(word):
        if point in INVISIBLE:
            continue
        level = levels[index] if levels else 0
        name = _face_for(point, style, parts[-1][0] if parts else "")
        if not name:
            missing.add(point)
        elif parts and parts[-1][:2] == (name, level):
            parts[-1] = (name, level, parts[-1][2] + point)
        else:
            parts.append((name, level, point))
    if missing:
        raise MissingGlyph(missing)
    return tuple(Piece(name, level, shaped(name, text, rtl=bool(level % 2))) for name, level, text in parts)


def _face_for(point: str, style: tuple[bool, bool], before: str) -> str:
    """The first face that has the character; a combining mark stays with its base where it can."""
    if ord(point) in PRIVATE_USE:
        return ""
    if before and unicodedata.category(point).startswith("M") and face(before).has(point):
        return before
    return next((name for name in STACKS[style] if face(name).has(point)), "")


@lru_cache(maxsize=65536)
def shaped(name: str, text: str, *, rtl: bool) -> Shape:
    """Shape text of one face and direction."""
    used = face(name)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if rtl else "ltr"
    uharfbuzz.shape(used.shaper, buffer, FEATURES)
    glyphs = tuple(
        Glyph(
            info.codepoint,
            _text_of(name, text, info.codepoint, info.cluster),
            position.x_advance * used.scale,
            position.x_offset * used.scale,
            position.y_offset * used.scale,
            info.cluster,
        )
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    )
    return Shape(glyphs, sum(glyph.advance for glyph in glyphs), _plain(name, glyphs))


def _text_of(name: str, text: str, glyph: int, cluster: int) -> str:
    """The character of a glyph: that of the text where it is drawn as itself, else any the font maps to it."""
    used = face(name)
    if used.glyphs.get(ord(text[cluster])) == glyph:
        return text[cluster]
    others = used.font.face.glyphToChar.get(glyph, ())
    return next((chr(code) for code in others if code not in PRIVATE_USE), "")


def _plain(name: str, glyphs: tuple[Glyph, ...]) -> str:
    widths = face(name).font.face.charWidths
    for glyph in glyphs:
        moved = glyph.right or glyph.up or not glyph.text
        if moved or abs(widths.get(ord(glyph.text), -1) - glyph.advance) > 0.5:
            return ""
    return "".join(glyph.text for glyph in glyphs)


class PrivateCodes:
    """Codes for glyphs that no character reaches, given out anew for each letter.

    reportlab's own way numbers them for the life of the process, which makes a letter's bytes depend on the letters
    before it, and ends after some thousands. Use within DRAWING, and `forget` when the letter is done.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, int], int] = {}

    def drawable(self, piece: Piece) -> Iterator[tuple[float, ShapedStr]]:
        """The piece as reportlab draws it: characters with their measured places, by height above the baseline."""
        widths = face(piece.face).font.face.charWidths
        for up, glyphs in groupby(piece.shape.glyphs, key=lambda glyph: glyph.up):
            coded = [(ord(g.text) if g.text else self._code(piece.face, g), g) for g in glyphs]
            data = [ShapeData(g.cluster, g.advance, 0, g.right, 0, widths[code]) for code, g in coded]
            yield up, ShapedStr("".join(chr(code) for code, _ in coded), shapeData=data)

    def _code(self, name: str, glyph: Glyph) -> int:
        key = (name, glyph.number)
        if key not in self._given:
            font = face(name).font.face
            code = next(c for c in PRIVATE_USE if c not in font.charToGlyph)
            font.charToGlyph[code] = glyph.number
            font.charWidths[code] = glyph.advance
            self._given[key] = code
        return self._given[key]

    def forget(self) -> None:
        for (name, _), code in self._given.items():
            font = face(name).font.face
            font.charToGlyph.pop(code, None)
            font.charWidths.pop(code, None)
        self._given.clear()
