"""From the blocks of a letter to the strips of its pages."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from letters.layout import Layout
from letters.lines import Line, TextStyle, one_line, set_lines
from letters.pen import Pen
from letters.strips import Draw, Strip, text_draw
from letters.tables import table_strips
from rules.letters.blocks import Block, Heading, ListBlock, PageBreak, Paragraph, Run, Runs, TableBlock

GAP = 0.55  # of the leading, between paragraphs
ITEM_GAP = 0.12
INDENT = 1.15  # of the leading, before an item's text
COLUMNS_FROM = 6  # short items from this many on stand in two columns
BULLET = "•"


def strips_of(blocks: Sequence[Block], layout: Layout, *, rtl: bool) -> Iterator[Strip]:
    """All strips in reading order."""
    turn = False
    for block in blocks:
        if isinstance(block, PageBreak):
            turn = True
            continue
        for strip in _strips(block, layout, rtl=rtl):
            yield replace(strip, new_page=True) if turn else strip
            turn = False


def _strips(block: Block, layout: Layout, *, rtl: bool) -> Iterator[Strip]:
    match block:
        case Heading(level=level, runs=runs):
            style = layout.heading(level, rtl=rtl)
            yield from _heading(runs, style, layout.measure)
        case Paragraph(runs=runs):
            yield from _paragraph(runs, layout.body(rtl=rtl), layout.measure)
        case ListBlock():
            yield from _list(block, layout.body(rtl=rtl), layout.measure)
        case TableBlock():
            yield from table_strips(block, layout.table(rtl=rtl), layout.measure)


def _heading(runs: Runs, style: TextStyle, measure: float) -> Iterator[Strip]:
    for number, line in enumerate(set_lines(runs, style, measure)):
        before = style.leading * 0.75 if number == 0 else 0
        yield Strip(style.leading, text_draw(line, 0, measure), before, with_next=True)


def _paragraph(runs: Runs, style: TextStyle, measure: float) -> Iterator[Strip]:
    """Two lines at least stay together at either end of a page."""
    lines = set_lines(runs, style, measure)
    for number, line in enumerate(lines):
        held = number in {0, len(lines) - 2} and number + 1 < len(lines)
        before = style.leading * GAP if number == 0 else 0
        yield Strip(style.leading, text_draw(line, 0, measure), before, with_next=held)


def _list(block: ListBlock, style: TextStyle, measure: float) -> Iterator[Strip]:
    indent = style.leading * INDENT
    columns = _columns(block, style, measure)
    if columns:
        yield from columns
        return
    for number, item in enumerate(block.items, 1):
        mark = one_line(f"{number}." if block.ordered else BULLET, style)
        lines = set_lines(item, style, measure - indent)
        for at, line in enumerate(lines):
            before = style.leading * (GAP if number == 1 else ITEM_GAP) if at == 0 else 0
            draw = _item_draw(mark if at == 0 else None, line, indent, measure)
            yield Strip(style.leading, draw, before, with_next=at + 1 < len(lines) <= 3)


def _columns(block: ListBlock, style: TextStyle, measure: float) -> list[Strip]:
    """Many short items, such as dates, in two columns read downwards; nothing if any of them is long."""
    indent, half = style.leading * INDENT, measure / 2
    if block.ordered or len(block.items) < COLUMNS_FROM:
        return []
    items = [set_lines(item, style, float("inf")) for item in block.items]
    if any(len(lines) > 1 or lines[0].width > half - indent - style.size for lines in items):
        return []
    rows = (len(items) + 1) // 2
    mark = one_line(BULLET, style)
    strips = []
    for row in range(rows):
        pair = [lines[0] for lines in items[row::rows]]
        before = style.leading * (GAP if row == 0 else ITEM_GAP)
        strips.append(Strip(style.leading, _pair_draw(mark, pair, indent, half), before))
    return strips


def _item_draw(mark: Line | None, line: Line, indent: float, measure: float) -> Draw:
    def draw(pen: Pen, left: float, top: float) -> None:
        rtl = line.style.rtl
        if mark is not None:
            pen.line(mark, left + line.style.size * 0.3, top, measure - line.style.size * 0.6, flush_right=rtl)
        pen.line(line, left + (0 if rtl else indent), top, measure - indent, flush_right=rtl)

    return draw


def _pair_draw(mark: Line, pair: Sequence[Line], indent: float, half: float) -> Draw:
    def draw(pen: Pen, left: float, top: float) -> None:
        for column, line in enumerate(pair):
            place = 1 - column if line.style.rtl else column
            _item_draw(mark, line, indent, half)(pen, left + place * half, top)

    return draw


def signature_strips(lines: Sequence[str], style: TextStyle, measure: float) -> Iterator[Strip]:
    """Room to sign, then name, role and number; never torn from each other."""
    for number, text in enumerate(lines):
        look = replace(style, strong=number == 0)
        for line in set_lines([Run(text)], look, measure):
            before = style.leading * 2.4 if number == 0 else 0
            yield Strip(style.leading, text_draw(line, 0, measure), before, with_next=number + 1 < len(lines))
