"""Why a letter is not drawn. Nothing is ever dropped from a page: a letter is whole or refused.

Invalid (rules/errors.py)
├── MissingGlyph      no font has a character of the text
├── AddressOverflow   the address does not fit its window
├── TextOverflow      a word or a table row fits no line or no page
└── TooManyPages      the letter is longer than its layout allows
"""

from rules.errors import Invalid


class MissingGlyph(Invalid):
    """No font has a character; the message names code points, never the text around them."""

    def __init__(self, points: set[str]) -> None:
        named = ", ".join(f"U+{ord(point):04X}" for point in sorted(points))
        super().__init__("missing_glyph", f"No font has {named}: correct the text or add a font.", code_points=named)


class AddressOverflow(Invalid):
    """The address does not fit the window of the envelope."""

    def __init__(self, lines: int, allowed: int) -> None:
        message = f"The address takes {lines} lines; the window holds {allowed}. Shorten it."
        super().__init__("address_overflow", message, fields={"guardian_address": message})


class TextOverflow(Invalid):
    """Something is too wide or too high for the page."""

    def __init__(self, what: str) -> None:
        super().__init__("text_overflow", f"{what} does not fit the page: shorten or divide it.")


class TooManyPages(Invalid):
    """The letter is longer than allowed."""

    def __init__(self, pages: int, allowed: int) -> None:
        super().__init__("too_many_pages", f"The letter takes {pages} pages; {allowed} are allowed. Shorten it.")
