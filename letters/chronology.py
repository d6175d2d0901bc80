"""The chronology of an escalation: everything that happened, in order, with who and what, for a named recipient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from letters.flow import strips_of
from letters.frame import draw_record_head
from letters.layout import A4_RECORD, Layout
from letters.pen import Pen
from letters.render import RenderedLetter, Sheets, heights, press
from letters.strips import paginate
from rules.letters.blocks import Block, Cell, Heading, Paragraph, Run, TableBlock
from rules.letters.values import isolated
from rules.letters.wording import is_right_to_left, said_date

REGISTER_NOTE = "Handrail is not the statutory register."  # on page one, safeguards.md section 9
COLUMNS = ("Date", "What happened", "By", "Result")


@dataclass(frozen=True)
class ChronologyEvent:
    """One thing that happened. `result` may be empty: not everything has one."""

    on: date
    what: str
    by: str
    result: str = ""


@dataclass(frozen=True)
class Fact:
    """A line of the summary above the table, such as `Student` and a name."""

    label: str
    value: str


@dataclass(frozen=True)
class Chronology:
    """A record for one recipient; the caller has left out what that recipient may not know (safeguards.md)."""

    title: str
    school_name: str
    reference: str
    prepared_on: date
    facts: Sequence[Fact]
    events: Sequence[ChronologyEvent]
    summary: Sequence[str] = ()
    language: str = "en"


def render_chronology(chronology: Chronology, layout: Layout = A4_RECORD) -> RenderedLetter:
    """Draw the record; its table goes on over as many pages as it needs, headings repeated."""
    rtl = is_right_to_left(chronology.language)
    pages = paginate(list(strips_of(_blocks(chronology), layout, rtl=rtl)), *heights(layout))

    def first_page(pen: Pen) -> None:
        draw_record_head(pen, chronology.school_name, chronology.title, layout)

    title = f"{chronology.title} ({chronology.reference})"
    author, foot = chronology.school_name, chronology.reference
    return press(Sheets(title, author, chronology.language, foot, first_page, pages), layout)


def _blocks(chronology: Chronology) -> list[Block]:
    language = chronology.language
    facts = [*chronology.facts, Fact("Prepared on", said_date(chronology.prepared_on, language))]
    blocks: list[Block] = [
        TableBlock(tuple((_cell(f.label, language, strong=True), _cell(f.value, language)) for f in facts))
    ]
    blocks += [Paragraph((Run(text),)) for text in (REGISTER_NOTE, *chronology.summary)]
    blocks.append(Heading(2, (Run("What happened"),)))
    if chronology.events:
        blocks.append(_table(chronology))
    else:
        blocks.append(Paragraph((Run("Nothing has been recorded."),)))
    return blocks


def _table(chronology: Chronology) -> TableBlock:
    """Events by date; those of one day stay in the order given."""
    language = chronology.language
    head = tuple(Cell((Run(text),), heading=True) for text in COLUMNS)
    events = sorted(chronology.events, key=lambda event: event.on)
    rows = [
        tuple(_cell(text, language) for text in (said_date(event.on, language), event.what, event.by, event.result))
        for event in events
    ]
    return TableBlock((head, *rows))


def _cell(text: str, language: str, *, strong: bool = False) -> Cell:
    return Cell((Run(isolated(text, language), strong=strong),))
