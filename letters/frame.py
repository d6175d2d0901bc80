"""What stands around the words: letterhead, address window, details, running foot."""

from collections.abc import Sequence
from dataclasses import replace

from reportlab.lib.units import mm

from letters.errors import AddressOverflow, TextOverflow
from letters.layout import ACCENT, ADDRESS_STYLES, DETAIL, FINE, HAIRLINE, LABEL, QUIET, WINDOW, Layout
from letters.lines import Line, TextStyle, set_lines
from letters.pen import Pen
from rules.letters.blocks import Frame, Run
from rules.letters.values import isolated
from rules.letters.wording import NBSP, is_right_to_left, said_date, wording

NAME_SIZES = (17.0, 14.0, 12.0)
HEAD_TOP = 13 * mm
RECORD_SCHOOL = TextStyle(9.5, 13.0, colour=QUIET)
RECORD_TITLE = TextStyle(17.0, 21.0, strong=True, colour=ACCENT)
HEAD_RULE = 32 * mm
ASIDE_LEFT = 132 * mm
ADDRESS_LEFT = 25 * mm
WINDOW_PAD = 1.2  # keeps accents of the first line inside the window


def address_lines(frame: Frame) -> list[Line]:
    """The address as set in its window, closer where it is long; AddressOverflow where it does not fit."""
    lines: list[Line] = []
    for style in ADDRESS_STYLES:
        texts = (frame.guardian_name, *frame.guardian_address)
        width = WINDOW.left + WINDOW.width - ADDRESS_LEFT
        lines = [line for text in texts for line in set_lines([Run(isolated(text, "en"))], style, width)]
        if len(lines) <= _window_lines(style):
            return lines
    raise AddressOverflow(len(lines), _window_lines(ADDRESS_STYLES[-1]))


def _window_lines(style: TextStyle) -> int:
    return int((WINDOW.height - WINDOW_PAD) // style.leading)


def draw_address(pen: Pen, frame: Frame) -> None:
    for number, line in enumerate(address_lines(frame)):
        pen.line(line, ADDRESS_LEFT, WINDOW.top + WINDOW_PAD + number * line.style.leading)


def draw_letterhead(pen: Pen, frame: Frame, layout: Layout) -> None:
    """The school's name, and its address at the right above the details."""
    lines = _school_name(frame.school_name, ASIDE_LEFT - layout.left - 6 * mm)
    leading = lines[0].style.leading
    top = HEAD_TOP + (0 if len(lines) > 1 else 2)
    for number, line in enumerate(lines):
        pen.line(line, layout.left, top + number * leading)
    pen.rule(layout.left, HEAD_RULE, layout.measure, ACCENT, weight=1.2)
    aside = [*frame.school_address, frame.school_phone.replace(" ", NBSP)]
    _draw_aside(pen, aside, FINE, HEAD_TOP + 1, layout)


def _school_name(name: str, width: float) -> list[Line]:
    """As large as fits in two lines."""
    for size in NAME_SIZES:
        style = TextStyle(size, size * 1.2, strong=True, colour=ACCENT)
        lines = set_lines([Run(isolated(name, "en"))], style, width)
        if len(lines) <= 2:
            return lines
    raise TextOverflow("The name of the school")


def _draw_aside(pen: Pen, texts: Sequence[str], style: TextStyle, top: float, layout: Layout) -> None:
    width = layout.width - layout.right - ASIDE_LEFT
    for text in texts:
        for line in set_lines([Run(isolated(text, "en"))], style, width):
            if top + style.leading > HEAD_RULE:
                raise TextOverflow("The address of the school")
            pen.line(line, ASIDE_LEFT, top)
            top += style.leading


def draw_details(pen: Pen, frame: Frame, layout: Layout, language: str) -> None:
    """Date, reference and the person to ask, beside the address."""
    words = wording(language)
    rtl = is_right_to_left(language)
    width = layout.width - layout.right - ASIDE_LEFT
    top = WINDOW.top
    for label, values in (
        (words.date_label, [said_date(frame.letter_date, language)]),
        (words.reference_label, [frame.reference]),
        (words.contact_label, [frame.contact_name, frame.contact_role, frame.contact_phone.replace(" ", NBSP)]),
    ):
        for text, style in ((label, LABEL), *((value, DETAIL) for value in values)):
            for line in set_lines([Run(isolated(text, language))], replace(style, rtl=rtl), width):
                pen.line(line, ASIDE_LEFT, top, width, flush_right=rtl)
                top += style.leading
        top += 4
    if top > layout.first_top:
        raise TextOverflow("The name, role or number of the contact person")


def draw_foot(pen: Pen, layout: Layout, reference: str, place: tuple[int, int], language: str) -> None:
    """Reference and page of pages; `place` is (page, pages)."""
    rtl = is_right_to_left(language)
    top = layout.height - 15 * mm
    said = wording(language).page.format(page=place[0], pages=place[1])
    pen.rule(layout.left, top, layout.measure, HAIRLINE)
    for text, right in ((reference, rtl), (said, not rtl)):
        (line,) = set_lines([Run(isolated(text, language))], replace(FINE, rtl=rtl), float("inf"))
        pen.line(line, layout.left, top + 4, layout.measure, flush_right=right)


def draw_record_head(pen: Pen, school_name: str, title: str, layout: Layout) -> None:
    """The head of a document that is handed over: school, rule, title."""
    top = HEAD_TOP
    for text, style in ((school_name, RECORD_SCHOOL), (title, RECORD_TITLE)):
        for line in set_lines([Run(isolated(text, "en"))], style, layout.measure):
            pen.line(line, layout.left, top)
            top += style.leading
        top += 4
    if top > layout.first_top - 4:
        raise TextOverflow("The title or the name of the school")
    pen.rule(layout.left, top, layout.measure, ACCENT, weight=1.2)
