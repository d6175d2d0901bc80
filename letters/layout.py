"""Page geometry: A4 with a window address (GOV.UK Notify's zones), type sizes, colours."""

from dataclasses import dataclass

from reportlab.lib.pagesizes import A4 as A4_POINTS
from reportlab.lib.units import mm

from letters.lines import TextStyle

INK = "#1a1a1a"
QUIET = "#5a6570"
ACCENT = "#1f4e6b"
HAIRLINE = "#c3ccd4"
BAND = "#eef3f7"


@dataclass(frozen=True)
class Box:
    """A rectangle on the page in points, from its top left corner."""

    left: float
    top: float
    width: float
    height: float


WINDOW = Box(24.6 * mm, 39.5 * mm, 95.4 * mm, 26.8 * mm)
"""Where the address must lie to show in the envelope's window, and where nothing else may."""


@dataclass(frozen=True)
class Layout:
    """How a letter is set. `scale` enlarges the words for readers who need it, never the address in its window."""

    name: str = "A4"
    scale: float = 1.0
    max_pages: int = 4
    left: float = 25 * mm
    right: float = 25 * mm
    first_top: float = 95 * mm
    next_top: float = 24 * mm
    bottom: float = 24 * mm

    width, height = A4_POINTS

    @property
    def measure(self) -> float:
        """Width of the text."""
        return float(self.width - self.left - self.right)

    def body(self, *, rtl: bool = False) -> TextStyle:
        return self._style(10.5, 15.5, rtl=rtl)

    def heading(self, level: int, *, rtl: bool = False) -> TextStyle:
        size, leading = {1: (15.0, 20.0), 2: (12.0, 17.0)}.get(level, (10.5, 15.5))
        return self._style(size, leading, rtl=rtl, strong=True, colour=ACCENT if level < 3 else INK)

    def table(self, *, rtl: bool = False) -> TextStyle:
        return self._style(9.5, 13.5, rtl=rtl)

    def _style(self, size: float, leading: float, *, rtl: bool, strong: bool = False, colour: str = INK) -> TextStyle:
        return TextStyle(size * self.scale, leading * self.scale, rtl, strong, colour)


A4 = Layout()
A4_LARGE_PRINT = Layout(name="A4 large print", scale=1.6, max_pages=8)
A4_RECORD = Layout(name="A4 record", max_pages=60, first_top=36 * mm, left=20 * mm, right=20 * mm)
"""For documents that are handed over, not posted: no window."""

ADDRESS_STYLES = (TextStyle(9.5, 12.2), TextStyle(9.0, 10.6))
"""Six lines in comfort, else seven."""
FINE = TextStyle(8.0, 10.5, colour=QUIET)
LABEL = TextStyle(7.5, 10.0, colour=QUIET)
DETAIL = TextStyle(9.0, 12.0)
