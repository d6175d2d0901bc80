"""A filled letter as plain words: for counting, comparing engines, and the text part of a mail."""

from itertools import takewhile

from rules.letters.blocks import Block, FilledLetter, Heading, ListBlock, PageBreak, Paragraph, Runs, TableBlock

INVISIBLE = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200e\u200f"))


def plain_text(letter: FilledLetter) -> str:
    """The body as text, one block per paragraph, direction marks left out."""
    return "\n\n".join(filter(None, map(_said, letter.blocks)))


def words_on_first_page(letter: FilledLetter) -> int:
    first = takewhile(lambda block: not isinstance(block, PageBreak), letter.blocks)
    return sum(len(_said(block).replace("\u00a0", " ").split()) for block in first)


def _said(block: Block) -> str:
    match block:
        case Heading(runs=runs) | Paragraph(runs=runs):
            return _joined(runs)
        case ListBlock(items=items):
            return "\n".join(f"- {_joined(item)}" for item in items)
        case TableBlock(rows=rows):
            return "\n".join("\t".join(_joined(cell.runs) for cell in row) for row in rows)
    return ""


def _joined(runs: Runs) -> str:
    return "".join(run.text for run in runs).translate(INVISIBLE)
