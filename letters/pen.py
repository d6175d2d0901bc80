"""Draws set lines and rules on a page; coordinates run from the top left corner, in points."""

from io import BytesIO

from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from letters.fonts import UNITS, face
from letters.layout import Layout
from letters.lines import Line
from letters.shaping import Piece, PrivateCodes

rl_config.useA85 = 0  # streams as they are, not as printable text: smaller, and sooner drawn


class Pen:
    """One document being drawn. Hold DRAWING while using it."""

    def __init__(self, layout: Layout, *, title: str, author: str, language: str) -> None:
        self._buffer = BytesIO()
        self._canvas = Canvas(
            self._buffer,
            pagesize=(layout.width, layout.height),
            invariant=1,
            pageCompression=1,
            lang=language,
            initialFontName=face("Sans").name,
        )
        self._canvas.setTitle(title)
        self._canvas.setAuthor(author)
        self._canvas.setCreator("Handrail")
        self._height = layout.height
        self._codes = PrivateCodes()
        self.faces: set[str] = set()
        self._open_page()

    def _open_page(self) -> None:
        self._text = self._canvas.beginText()
        self._font: tuple[str, float] = ("", 0)
        self._colour = ""

    def line(self, line: Line, x: float, top: float, width: float = 0, *, flush_right: bool = False) -> None:
        """Draw a line whose top is at `top`; `flush_right` sets its end at x + width."""
        style = line.style
        start = x + width - line.width if flush_right else x
        baseline = self._height - top - style.leading * 0.5 - style.size * 0.36
        if style.colour != self._colour:
            self._text.setFillColor(HexColor(style.colour))
            self._colour = style.colour
        self._text.setTextOrigin(start, baseline)
        self._pieces(line)

    def _pieces(self, line: Line) -> None:
        """Neighbours of one face that need no shaping are drawn as one string."""
        waiting, name = "", ""
        for piece in line.pieces:
            if waiting and piece.face != name:
                self._out(name, line.style.size, waiting)
                waiting = ""
            name = piece.face
            if piece.shape.plain:
                waiting += piece.shape.plain
                continue
            if waiting:
                self._out(name, line.style.size, waiting)
                waiting = ""
            self._shaped(piece, line.style.size)
        if waiting:
            self._out(name, line.style.size, waiting)

    def _shaped(self, piece: Piece, size: float) -> None:
        """Raised and lowered marks get their rise from us: reportlab stumbles over one that opens a string."""
        for up, text in self._codes.drawable(piece):
            if up:
                self._text.setRise(up * size / UNITS)
            self._out(piece.face, size, text)
            if up:
                self._text.setRise(0)

    def _out(self, name: str, size: float, text: str) -> None:
        if self._font != (name, size):
            self._text.setFont(face(name).name, size)
            self._font = (name, size)
            self.faces.add(name)
        self._text.textOut(text)

    def rule(self, x: float, top: float, width: float, colour: str, *, weight: float = 0.6) -> None:
        self._canvas.setStrokeColor(HexColor(colour))
        self._canvas.setLineWidth(weight)
        self._canvas.line(x, self._height - top, x + width, self._height - top)

    def band(self, x: float, top: float, width: float, height: float, colour: str) -> None:
        self._canvas.setFillColor(HexColor(colour))
        self._canvas.rect(x, self._height - top - height, width, height, stroke=0, fill=1)

    def end_page(self) -> None:
        self._canvas.drawText(self._text)
        self._canvas.showPage()
        self._open_page()

    def finish(self) -> bytes:
        """The document; the codes lent to it are taken back."""
        self._canvas.save()
        return self._buffer.getvalue()

    def forget(self) -> None:
        self._codes.forget()
