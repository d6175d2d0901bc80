"""Tables: columns as wide as their words want, rows that stay whole, headings again on every page."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from letters.errors import TextOverflow
from letters.layout import ACCENT, BAND, HAIRLINE
from letters.lines import Line, TextStyle, natural_width, set_lines
from letters.pen import Pen
from letters.strips import Draw, Strip
from rules.letters.blocks import Cell, TableBlock

PAD_X = 6.0
PAD_Y = 4.0


def table_strips(table: TableBlock, style: TextStyle, measure: float) -> Iterator[Strip]:
    """One strip per row; the rows of headings are repeated where the table goes on."""
    widths = column_widths(table, style, measure)
    rows = [_row(row, widths, style, first=index == 0) for index, row in enumerate(table.rows)]
    head = tuple(rows[: table.heading_rows])
    for index, row in enumerate(rows):
        first, belongs = index == 0, index < max(len(head), 1) and index + 1 < len(rows)
        repeat = head if index > len(head) else ()
        yield replace(row, before=style.leading * 0.6 if first else 0, with_next=belongs, repeat=repeat)


def column_widths(table: TableBlock, style: TextStyle, measure: float) -> list[float]:
    """Every column gets its widest word; what is left goes to modest wishes first, so that names stay on one line."""
    count = max(len(row) for row in table.rows)
    least, liked = [0.0] * count, [0.0] * count
    for row in table.rows:
        for index, cell in enumerate(row):
            word, whole = natural_width(cell.runs, _cell_style(cell, style))
            least[index] = max(least[index], word + 2 * PAD_X)
            liked[index] = max(liked[index], whole + 2 * PAD_X)
    if sum(least) > measure:
        raise TextOverflow("A table")
    widths = list(least)
    spare = measure - sum(least)
    modest_first = sorted(range(count), key=lambda index: liked[index] - least[index])
    for done, index in enumerate(modest_first):
        more = min(liked[index] - least[index], spare / (count - done))
        widths[index] += more
        spare -= more
    widths[-1] += spare
    return widths


def _cell_style(cell: Cell, style: TextStyle) -> TextStyle:
    return replace(style, strong=True, colour=ACCENT) if cell.heading else style


def _row(cells: Sequence[Cell], widths: Sequence[float], style: TextStyle, *, first: bool) -> Strip:
    texts = [
        set_lines(cell.runs, _cell_style(cell, style), width - 2 * PAD_X)
        for cell, width in zip(cells, widths, strict=False)
    ]
    height = max(len(lines) for lines in texts) * style.leading + 2 * PAD_Y
    heading = all(cell.heading for cell in cells)
    return Strip(height, _row_draw(texts, widths, height, heading=heading, first=first))


def _row_draw(
    texts: Sequence[Sequence[Line]], widths: Sequence[float], height: float, *, heading: bool, first: bool
) -> Draw:
    def draw(pen: Pen, left: float, top: float) -> None:
        measure = sum(widths)
        if heading:
            pen.band(left, top, measure, height, BAND)
        elif first:
            pen.rule(left, top, measure, HAIRLINE)
        pen.rule(left, top + height, measure, ACCENT if heading else HAIRLINE)
        for lines, (offset, width) in zip(texts, _offsets(widths, rtl=texts[0][0].style.rtl), strict=False):
            for number, line in enumerate(lines):
                at = top + PAD_Y + number * line.style.leading
                pen.line(line, left + offset + PAD_X, at, width - 2 * PAD_X, flush_right=line.style.rtl)

    return draw


def _offsets(widths: Sequence[float], *, rtl: bool) -> Iterator[tuple[float, float]]:
    """Where each column stands; the first is on the right where the language begins there."""
    used = 0.0
    for width in widths:
        yield (sum(widths) - used - width if rtl else used), width
        used += width
