"""Reads the restricted HTML of a template once; everything wrong is refused together, each with its place."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from typing import Any

from rules.errors import Invalid
from rules.letters.blocks import Element, Field, LetterDocument, Node, Text, When
from rules.letters.fields import NAME, FieldSpec, read_schema

_FLOW = frozenset({"h1", "h2", "h3", "p", "ul", "ol", "table", "hr"})
_WORDS = frozenset({"strong", "em", "br"})
_ROWS = frozenset({"tr"})
INSIDE: Mapping[str, frozenset[str]] = {
    "body": _FLOW,
    **dict.fromkeys(("h1", "h2", "h3", "p", "li", "th", "td", "strong", "em"), _WORDS),
    **dict.fromkeys(("ul", "ol"), frozenset({"li"})),
    "table": _ROWS | {"thead", "tbody"},
    **dict.fromkeys(("thead", "tbody"), _ROWS),
    "tr": frozenset({"th", "td"}),
}
"""Which elements may stand directly in which; text stands only where `strong` may."""
EMPTY = frozenset({"br", "hr"})
SAYING = frozenset({"p", "ul", "ol", "table"})
"""Blocks that may be an element which the law asks a notice to have."""
ALIASES = {"b": "strong", "i": "em"}
KNOWN = frozenset().union(*INSIDE.values())
PLACEHOLDER = re.compile(r"\{\{(?P<field>.*?)\}\}|\{%(?P<tag>.*?)%\}|(?P<stray>\{\{|\}\}|\{%|%\})", re.DOTALL)
CONDITION = re.compile(r"if\s+(?P<not>not\s+)?(?P<name>\S+)")


@dataclass
class _Open:
    """An element or condition that has not been closed yet; `tag` of a condition is that of the element around it."""

    tag: str
    at: str
    condition: tuple[str, bool] | None = None
    says: str = ""
    children: list[Node] = field(default_factory=list)


class _Reader(HTMLParser):
    """Builds the tree and collects problems as `place -> what to do`."""

    def __init__(self, fields: Mapping[str, FieldSpec]) -> None:
        super().__init__(convert_charrefs=False)
        self.fields = fields
        self.problems: dict[str, str] = {}
        self.open = [_Open("body", "body")]

    def refuse(self, reason: str, at: str | None = None) -> None:
        self.problems.setdefault(at or self.place(), reason)

    def place(self, text: str = "") -> str:
        """Line and column of where the parser stands, `text` further on."""
        line, column = self.getpos()
        lines = text.split("\n")
        column = column if len(lines) == 1 else 0
        return f"body line {line + len(lines) - 1} column {column + len(lines[-1]) + 1}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name, around = ALIASES.get(tag, tag), self.open[-1].tag
        says = self.said_by(tag, attrs)
        if name not in KNOWN:
            self.refuse(f"<{tag}> is not allowed: use headings, paragraphs, lists, tables, strong and em")
        elif name not in INSIDE[around]:
            self.refuse(f"<{tag}> may not stand in <{around}>")
        if name in EMPTY:
            self.open[-1].children.append(Element(name))
        elif name in KNOWN:
            self.open.append(_Open(name, self.place(), says=says))

    def said_by(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        """The element of a notice that a block names by `data-element`, the one attribute there is."""
        for name, value in attrs:
            if name != "data-element" or tag not in SAYING:
                self.refuse(f"<{tag}> may have no attributes: remove {name}")
            elif not NAME.fullmatch(value or ""):
                self.refuse("data-element needs a name: small letters, digits and _")
        return dict(attrs).get("data-element") or ""

    def handle_endtag(self, tag: str) -> None:
        name, top = ALIASES.get(tag, tag), self.open[-1]
        if name in EMPTY or name not in KNOWN:
            return
        if top.condition or top.tag != name:
            self.refuse(f"</{tag}> closes nothing here: close <{top.tag}> or {{% endif %}} first")
            return
        self.open.pop()
        self.open[-1].children.append(Element(name, tuple(top.children), top.says))

    def handle_data(self, data: str) -> None:
        done = 0
        for found in PLACEHOLDER.finditer(data):
            self.words(data[done : found.start()], self.place(data[:done]))
            self.placeholder(found, self.place(data[: found.start()]))
            done = found.end()
        self.words(data[done:], self.place(data[:done]))

    def handle_entityref(self, name: str) -> None:
        self.words(unescape(f"&{name};"), self.place())

    def handle_charref(self, name: str) -> None:
        self.words(unescape(f"&#{name};"), self.place())

    def handle_comment(self, _data: str) -> None:
        self.refuse("comments are not allowed: remove it")

    def handle_decl(self, _decl: str) -> None:
        self.refuse("declarations are not allowed: remove it")

    def handle_pi(self, _data: str) -> None:
        self.refuse("processing instructions are not allowed: remove it")

    def unknown_decl(self, _data: str) -> None:
        self.refuse("declarations are not allowed: remove it")

    def words(self, text: str, at: str) -> None:
        if "strong" in INSIDE[self.open[-1].tag]:
            self.open[-1].children.extend([Text(text)] if text else [])
        elif text.strip():
            self.refuse(f"text may not stand directly in <{self.open[-1].tag}>: put it into a paragraph", at)

    def placeholder(self, found: re.Match[str], at: str) -> None:
        if found["stray"]:
            self.refuse(f"{found['stray']} has no partner: write {{{{ field }}}} or {{% if field %}}", at)
        elif found["field"] is not None:
            self.merge_field(found["field"].strip(), at)
        else:
            self.condition(found["tag"].strip(), at)

    def merge_field(self, name: str, at: str) -> None:
        if "strong" not in INSIDE[self.open[-1].tag]:
            self.refuse(f"{{{{ {name} }}}} may not stand directly in <{self.open[-1].tag}>", at)
        if self.known(name, at):
            self.open[-1].children.append(Field(name, at))

    def known(self, name: str, at: str) -> bool:
        if name not in self.fields:
            near = get_close_matches(name, self.fields, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            self.refuse(f"{name!r} is not a merge field of this template: correct it or declare it{hint}", at)
        return name in self.fields

    def condition(self, tag: str, at: str) -> None:
        top, start = self.open[-1], CONDITION.fullmatch(tag)
        if start:
            self.known(start["name"], at)
            self.open.append(_Open(top.tag, at, (start["name"], not start["not"])))
        elif tag != "endif":
            self.refuse(f"{{% {tag} %}} is not known: use if, if not and endif", at)
        elif top.condition is None:
            self.refuse(f"endif closes no if inside this <{top.tag}>", at)
        else:
            self.open.pop()
            self.open[-1].children.append(When(*top.condition, tuple(top.children)))

    def finish(self) -> tuple[Node, ...]:
        if self.rawdata.startswith("<"):
            self.refuse("the markup ends in the middle of a tag: complete it")
        self.close()
        for left in self.open[1:]:
            what = "{% if %}" if left.condition else f"<{left.tag}>"
            self.refuse(f"{what} is never closed", left.at)
        return tuple(self.open[0].children)


def parse_template(
    body: str, *, title: str, language: str = "en", schema: Mapping[str, Any] | None = None
) -> LetterDocument:
    """Read a template's body, or raise Invalid("template_invalid") whose fields name each place and what to do."""
    return _parsed(body, title, language, json.dumps(schema or {}, sort_keys=True))


@lru_cache(maxsize=512)
def _parsed(body: str, title: str, language: str, schema: str) -> LetterDocument:
    fields = read_schema(json.loads(schema))
    reader = _Reader(fields)
    reader.feed(body)
    blocks = reader.finish()
    if not blocks and not reader.problems:
        reader.refuse("is empty: write the letter", "body")
    if reader.problems:
        first, reason = next(iter(reader.problems.items()))
        message = f"The template cannot be used: {first}: {reason}."
        raise Invalid("template_invalid", message, fields=reader.problems)
    return LetterDocument(title, language, blocks, fields)
