"""A filled letter as a PDF: the same letter gives the same bytes, in any process, whatever was drawn before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import reportlab

from letters.errors import TooManyPages
from letters.flow import signature_strips, strips_of
from letters.fonts import face
from letters.frame import draw_address, draw_details, draw_foot, draw_letterhead
from letters.layout import A4, Layout
from letters.pen import Pen
from letters.shaping import DRAWING
from letters.strips import Placed, Strip, paginate
from rules.letters.blocks import FilledLetter, Frame
from rules.letters.values import isolated
from rules.letters.wording import NBSP, is_right_to_left

ENGINE = f"reportlab {reportlab.__version__}"


@dataclass(frozen=True)
class RenderedLetter:
    """A drawn document. `fonts` names every face used with the SHA-256 of its file."""

    content: bytes
    sha256: str
    pages: int
    engine: str
    fonts: Mapping[str, str]


@dataclass(frozen=True)
class Sheets:
    """A laid-out document: its pages, what stands around them, and its metadata."""

    title: str
    author: str
    language: str
    foot: str
    first_page: Callable[[Pen], None]
    pages: Sequence[Sequence[Placed]]


def render(letter: FilledLetter, layout: Layout = A4) -> RenderedLetter:
    """Draw the letter, or refuse it (letters/errors.py): missing glyph, address or text overflow, too many pages."""
    return press(set_letter(letter, layout), layout)


def set_letter(letter: FilledLetter, layout: Layout = A4) -> Sheets:
    """Lay the letter out, without drawing it."""
    rtl = is_right_to_left(letter.language)
    frame = letter.frame
    strips = [*strips_of(letter.blocks, layout, rtl=rtl), *_signature(frame, layout, letter.language)]

    def first_page(pen: Pen) -> None:
        draw_letterhead(pen, frame, layout)
        draw_address(pen, frame)
        draw_details(pen, frame, layout, letter.language)

    title = f"{letter.title} ({frame.reference})"
    pages = paginate(strips, *heights(layout))
    return Sheets(title, frame.school_name, letter.language, frame.reference, first_page, pages)


def _signature(frame: Frame, layout: Layout, language: str) -> list[Strip]:
    lines = [frame.contact_name, frame.contact_role, frame.contact_phone.replace(" ", NBSP)]
    said = [isolated(text, language) for text in lines]
    return list(signature_strips(said, layout.body(rtl=is_right_to_left(language)), layout.measure))


def heights(layout: Layout) -> tuple[float, float]:
    """Room for text on the first page and on the others."""
    foot = layout.height - layout.bottom
    return foot - layout.first_top, foot - layout.next_top


def press(sheets: Sheets, layout: Layout) -> RenderedLetter:
    """Draw laid-out pages into one document."""
    if len(sheets.pages) > layout.max_pages:
        raise TooManyPages(len(sheets.pages), layout.max_pages)
    with DRAWING:
        pen = Pen(layout, title=sheets.title, author=sheets.author, language=sheets.language)
        try:
            draw(sheets, pen, layout)
            content = pen.finish()
        finally:
            pen.forget()
        fonts = {name: face(name).sha256 for name in sorted(pen.faces)}
    return RenderedLetter(content, sha256(content).hexdigest(), len(sheets.pages), ENGINE, fonts)


def draw(sheets: Sheets, pen: Pen, layout: Layout) -> None:
    """Every page with what stands around it."""
    sheets.first_page(pen)
    for number, page in enumerate(sheets.pages, 1):
        start = layout.first_top if number == 1 else layout.next_top
        for placed in page:
            placed.strip.draw(pen, layout.left, start + placed.top)
        draw_foot(pen, layout, sheets.foot, (number, len(sheets.pages)), sheets.language)
        pen.end_page()
