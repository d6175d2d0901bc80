"""What a letter is made of: the parsed template (with merge fields) and the filled letter (text only)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from rules.letters.fields import FieldSpec


@dataclass(frozen=True)
class Text:
    """Words of the template's author."""

    text: str


@dataclass(frozen=True)
class Field:
    """A merge field at its place in the body; `at` is kept for messages."""

    name: str
    at: str


@dataclass(frozen=True)
class When:
    """Content that stands only while `field` has a value (or, with `holds` false, only while it has none)."""

    field: str
    holds: bool
    children: tuple["Node", ...]


@dataclass(frozen=True)
class Element:
    """One element of the restricted markup: h1-h3, p, ul, ol, li, table, tr, th, td, strong, em, br or hr.
    `says` names the element of a statutory notice that it is.
    """

    tag: str
    children: tuple["Node", ...] = ()
    says: str = ""


Node = Text | Field | When | Element


@dataclass(frozen=True)
class LetterDocument:
    """A parsed template: safe, balanced, every field known; parse once, fill many times."""

    title: str
    language: str
    blocks: tuple[Node, ...]
    fields: Mapping[str, FieldSpec]


@dataclass(frozen=True)
class Run:
    """Text of one style; a newline in it is a line break inside its block."""

    text: str
    strong: bool = False
    emphasis: bool = False


Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Heading:
    level: int
    runs: Runs


@dataclass(frozen=True)
class Paragraph:
    runs: Runs


@dataclass(frozen=True)
class ListBlock:
    ordered: bool
    items: tuple[Runs, ...]


@dataclass(frozen=True)
class Cell:
    runs: Runs
    heading: bool = False


@dataclass(frozen=True)
class TableBlock:
    """Rows of cells; leading rows of heading cells only are repeated on every page."""

    rows: tuple[tuple[Cell, ...], ...]

    @property
    def heading_rows(self) -> int:
        count = 0
        while count < len(self.rows) and all(cell.heading for cell in self.rows[count]):
            count += 1
        return count


@dataclass(frozen=True)
class PageBreak:
    """What follows starts a new page (`<hr>`): page one for the family, then the formal part."""


Block = Heading | Paragraph | ListBlock | TableBlock | PageBreak


@dataclass(frozen=True)
class Frame:
    """What stands around the body: who writes, to whom, when, and whom to ask."""

    school_name: str
    school_address: tuple[str, ...]
    school_phone: str
    guardian_name: str
    guardian_address: tuple[str, ...]
    letter_date: date
    reference: str
    contact_name: str
    contact_role: str
    contact_phone: str


@dataclass(frozen=True)
class FilledLetter:
    """A letter to one person, ready to be drawn by any engine."""

    title: str
    language: str
    frame: Frame
    blocks: tuple[Block, ...] = field(default=())
