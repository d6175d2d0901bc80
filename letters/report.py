"""A report for a reader in an office: facts, then sections of sentences and tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from letters.chronology import Fact
from letters.flow import strips_of
from letters.frame import draw_record_head
from letters.layout import A4_RECORD, Layout
from letters.pen import Pen
from letters.render import RenderedLetter, Sheets, heights, press
from letters.strips import paginate
from rules.letters.blocks import Block, Cell, Heading, Paragraph, Run, TableBlock
from rules.letters.values import isolated
from rules.letters.wording import said_date

LANGUAGE = "en"


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and a table; `nothing` stands where the table would have no row."""

    heading: str
    said: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    nothing: str = ""


@dataclass(frozen=True)
class Report:
    """A report of one house, for staff; the caller has left out what its reader may not know."""

    title: str
    house: str
    reference: str
    prepared_on: date
    facts: Sequence[Fact]
    sections: Sequence[Section]


def render_report(report: Report, layout: Layout = A4_RECORD) -> RenderedLetter:
    """Draw the report; tables go on over as many pages as they need, headings repeated."""
    pages = paginate(list(strips_of(list(_blocks(report)), layout, rtl=False)), *heights(layout))

    def first_page(pen: Pen) -> None:
        draw_record_head(pen, report.house, report.title, layout)

    return press(Sheets(report.title, report.house, LANGUAGE, report.reference, first_page, pages), layout)


def _blocks(report: Report) -> Iterator[Block]:
    facts = [*report.facts, Fact("Prepared on", said_date(report.prepared_on, LANGUAGE))]
    yield TableBlock(tuple((_cell(fact.label, strong=True), _cell(fact.value)) for fact in facts))
    for section in report.sections:
        yield Heading(2, (Run(section.heading),))
        yield from (Paragraph((Run(isolated(text, LANGUAGE)),)) for text in section.said)
        if section.rows:
            head = tuple(Cell((Run(text),), heading=True) for text in section.columns)
            yield TableBlock((head, *(tuple(_cell(text) for text in row) for row in section.rows)))
        elif section.nothing:
            yield Paragraph((Run(section.nothing),))


def _cell(text: str, *, strong: bool = False) -> Cell:
    return Cell((Run(isolated(text, LANGUAGE), strong=strong),))
