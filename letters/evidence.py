"""An evidence pack on paper: facts, then sections in order, each a table or the words that nothing is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from letters.chronology import REGISTER_NOTE, Fact
from letters.flow import strips_of
from letters.frame import draw_record_head
from letters.layout import A4_RECORD, Layout
from letters.pen import Pen
from letters.render import RenderedLetter, Sheets, heights, press
from letters.strips import paginate
from rules.letters.blocks import Block, Cell, Heading, Paragraph, Run, TableBlock
from rules.letters.values import isolated
from rules.letters.wording import said_date

NOTHING = "Nothing has been recorded."


@dataclass(frozen=True)
class Section:
    """A heading, what its columns are called, and its rows in order."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Evidence:
    """A pack for one recipient; whoever must not be in it has been left out already."""

    title: str
    school_name: str
    reference: str
    prepared_on: date
    facts: Sequence[Fact]
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    language: str = "en"


def render_evidence(pack: Evidence, layout: Layout = A4_RECORD) -> RenderedLetter:
    """Draw the pack; every page carries its number and the reference."""
    pages = paginate(list(strips_of(_blocks(pack), layout, rtl=False)), *heights(layout))

    def first_page(pen: Pen) -> None:
        draw_record_head(pen, pack.school_name, pack.title, layout)

    title = f"{pack.title} ({pack.reference})"
    return press(Sheets(title, pack.school_name, pack.language, pack.reference, first_page, pages), layout)


def _blocks(pack: Evidence) -> list[Block]:
    facts = [*pack.facts, Fact("Prepared on", said_date(pack.prepared_on, pack.language))]
    blocks: list[Block] = [
        TableBlock(tuple((_cell(one.label, strong=True), _cell(one.value)) for one in facts)),
        *(Paragraph((Run(text),)) for text in (REGISTER_NOTE, *pack.notes)),
    ]
    for section in pack.sections:
        blocks.append(Heading(2, (Run(section.heading),)))
        blocks.append(_table(section) if section.rows else Paragraph((Run(NOTHING),)))
    return blocks


def _table(section: Section) -> TableBlock:
    head = tuple(Cell((Run(text),), heading=True) for text in section.columns)
    return TableBlock((head, *(tuple(_cell(text) for text in row) for row in section.rows)))


def _cell(text: str, *, strong: bool = False) -> Cell:
    return Cell((Run(isolated(text or "-", "en"), strong=strong),))
