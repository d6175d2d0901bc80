"""Reads drawn pages back: their text, and where each character stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2

POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Mark:
    """One drawn character and its box in millimetres from the top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


def texts(pdf: bytes) -> list[str]:
    """Text of each page, no-break spaces as spaces."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        found = []
        for page in document:
            words = page.get_textpage()
            found.append(words.get_text_bounded().replace("\r\n", "\n").replace("\u00a0", " "))
            words.close()
            page.close()
        return found
    finally:
        document.close()


def in_order(pdf: bytes, marked: Sequence[str], heading: str) -> int:
    """How many pages there are; each has the heading and its number, and the marked words stand in their order."""
    pages = texts(pdf)
    whole = " ".join(pages)
    places = [whole.index(one) for one in marked]
    assert places == sorted(places)
    assert all(heading in page and f"of {len(pages)}" in page for page in pages)
    return len(pages)


def marks(pdf: bytes, number: int = 0) -> Iterator[Mark]:
    """The visible characters of a page."""
    document = pypdfium2.PdfDocument(pdf)
    page = document[number]
    words = page.get_textpage()
    height = page.get_height()
    for index in range(words.count_chars()):
        left, bottom, right, top = words.get_charbox(index)
        text = words.get_text_range(index, 1)
        if text.strip():
            box = (left, height - top, right, height - bottom)
            yield Mark(text, *(value / POINTS_PER_MM for value in box))
    words.close()
    page.close()
    document.close()
