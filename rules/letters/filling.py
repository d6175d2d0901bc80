"""Fills a parsed template with one person's values: pure, complete or refused, nothing dropped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from rules.errors import Invalid
from rules.letters.blocks import (
    Block,
    Cell,
    Element,
    Field,
    FilledLetter,
    Frame,
    Heading,
    LetterDocument,
    ListBlock,
    Node,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    TableBlock,
    Text,
    When,
)
from rules.letters.fields import FRAME_FIELDS, STANDARD_FIELDS, FieldSpec, FieldType
from rules.letters.values import Value, as_date, as_lines, as_text, is_given, written

SPACES = re.compile(r"[ \t\r\n\f]+")
BREAK = "\x00"  # stands for <br> until white space has been collapsed
EDGES = " " + BREAK
ONE_SPACE, AROUND_BREAKS = re.compile(" {2,}"), re.compile(f" *{BREAK} *")


def fill(document: LetterDocument, data: Mapping[str, Any]) -> FilledLetter:
    """Merge `data` into the template, or raise Invalid("merge_data_invalid") naming every field that is wrong."""
    used = merge_fields_used(document, data)
    problems = dict.fromkeys(data.keys() - document.fields, "is not a merge field of this template: leave it out")
    values: dict[str, Value] = {}
    for name in sorted(used | set(FRAME_FIELDS)):
        try:
            values[name] = _written(document.fields[name], data.get(name), document.language)
        except ValueError as reason:
            problems[name] = str(reason)
    if problems:
        named = ", ".join(sorted(problems))
        raise Invalid("merge_data_invalid", f"The letter cannot be filled: see {named}.", fields=problems)
    blocks = tuple(_Filler(data, values).blocks(document.blocks))
    return FilledLetter(document.title, document.language, _frame(data), blocks)


def merge_fields_used(document: LetterDocument, data: Mapping[str, Any] | None = None) -> frozenset[str]:
    """The fields whose value the letter prints; without `data`, all that it may print or ask about."""
    return frozenset(_used(document.blocks, data))


def snapshot(document: LetterDocument, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the letter said, as JSON for the artifact: the given values of the fields it knows."""
    return {name: _plain(data[name]) for name in sorted(data) if name in document.fields}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | None) else str(value)


def _used(nodes: Sequence[Node], data: Mapping[str, Any] | None) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Field):
            yield node.name
        elif isinstance(node, When):
            if data is None:
                yield node.field
            if data is None or is_given(data.get(node.field)) is node.holds:
                yield from _used(node.children, data)
        elif isinstance(node, Element):
            yield from _used(node.children, data)


def _written(spec: FieldSpec, value: Any, language: str) -> Value:
    if value is None or value == "":
        raise ValueError("is missing: give it, or make its place conditional")
    return written(spec.type, value, language)


def _frame(data: Mapping[str, Any]) -> Frame:
    return Frame(**{name: _framed(STANDARD_FIELDS[name].type, data[name]) for name in FRAME_FIELDS})


def _framed(kind: FieldType, value: Any) -> Any:
    if kind is FieldType.LINES:
        return as_lines(value)
    return as_date(value) if kind is FieldType.DATE else as_text(value)


@dataclass(frozen=True)
class _Style:
    strong: bool = False
    emphasis: bool = False

    def within(self, tag: str) -> "_Style":
        return _Style(self.strong or tag == "strong", self.emphasis or tag == "em")


PLAIN = _Style()


@dataclass(frozen=True)
class _Filler:
    """Turns nodes into blocks of text with the conditions decided and the values in place."""

    data: Mapping[str, Any]
    values: Mapping[str, Value]

    def standing(self, nodes: Sequence[Node]) -> Iterator[Node]:
        """The nodes that stand, conditions resolved."""
        for node in nodes:
            if not isinstance(node, When):
                yield node
            elif is_given(self.data.get(node.field)) is node.holds:
                yield from self.standing(node.children)

    def elements(self, nodes: Sequence[Node]) -> list[Element]:
        return [node for node in self.standing(nodes) if isinstance(node, Element)]

    def blocks(self, nodes: Sequence[Node]) -> Iterator[Block]:
        """Every block that says something: a paragraph all of whose conditions failed is not an empty line."""
        return (block for block in self.drawn(nodes) if says_something(block))

    def drawn(self, nodes: Sequence[Node]) -> Iterator[Block]:
        for element in self.elements(nodes):
            match element.tag:
                case "hr":
                    yield PageBreak()
                case "ul" | "ol":
                    yield ListBlock(element.tag == "ol", tuple(self.items(element)))
                case "table":
                    yield TableBlock(tuple(self.rows(element)))
                case "p":
                    yield Paragraph(self.runs(element))
                case heading:
                    yield Heading(int(heading[1]), self.runs(element))

    def items(self, element: Element) -> Iterator[Runs]:
        for item in self.elements(element.children):
            inside = [n for n in self.standing(item.children) if not (isinstance(n, Text) and not n.text.strip())]
            if len(inside) == 1 and isinstance(inside[0], Field):  # alone in its item: one item per value
                yield from ((Run(text),) for text in self.values[inside[0].name].items)
            else:
                yield self.runs(item)

    def rows(self, element: Element) -> Iterator[tuple[Cell, ...]]:
        for row in self.elements(element.children):
            if row.tag == "tr":
                yield tuple(Cell(self.runs(cell), cell.tag == "th") for cell in self.elements(row.children))
            else:
                yield from self.rows(row)

    def runs(self, element: Element) -> Runs:
        return _tidied(list(self.pieces(element.children, PLAIN)))

    def pieces(self, nodes: Sequence[Node], style: _Style) -> Iterator[tuple[_Style, str]]:
        for node in self.standing(nodes):
            match node:
                case Text(text=text):
                    yield style, SPACES.sub(" ", text)
                case Field(name=name):
                    yield style, self.values[name].phrase.replace("\n", BREAK)
                case Element(tag="br"):
                    yield style, BREAK
                case _:
                    yield from self.inside(node, style)

    def inside(self, node: Node, style: _Style) -> Iterator[tuple[_Style, str]]:
        assert isinstance(node, Element)
        return self.pieces(node.children, style.within(node.tag))


def says_something(block: Block) -> bool:
    match block:
        case Paragraph(runs=content) | Heading(runs=content) | ListBlock(items=content) | TableBlock(rows=content):
            return bool(content)
    return True


def _tidied(pieces: list[tuple[_Style, str]]) -> Runs:
    """Join pieces of one style; one space between words, none at the edges of a line."""
    kept: list[tuple[_Style, str]] = []
    for style, text in pieces:
        tidy = AROUND_BREAKS.sub(BREAK, ONE_SPACE.sub(" ", text))
        if not kept or kept[-1][1][-1] in EDGES:
            tidy = tidy.removeprefix(" ")
        if tidy.startswith(BREAK):
            _strip_end(kept, " ")
        if tidy:
            kept.append((style, tidy))
    _strip_end(kept, EDGES)
    joined = ((style, "".join(text for _, text in group)) for style, group in groupby(kept, key=lambda x: x[0]))
    return tuple(Run(text.replace(BREAK, "\n"), style.strong, style.emphasis) for style, text in joined)


def _strip_end(kept: list[tuple[_Style, str]], marks: str) -> None:
    """Take the marks off the end, and pieces that were nothing else."""
    while kept and kept[-1][1][-1] in marks:
        style, text = kept.pop()
        if rest := text.rstrip(marks):
            kept.append((style, rest))
