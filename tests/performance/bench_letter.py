"""One page, every merge field varied: our letter beside bare reportlab drawing the same lines, and beside WeasyPrint.

Run: python -m tests.performance.bench_letter [letters]. Prints one JSON line; the bars are ratios of CPU time: at most
1.3 of bare reportlab (which is given the finished lines: no template, no breaking, no shaping), at least 3 times faster
than WeasyPrint (the same words, fonts and page; its parsed fonts are kept between letters, as ours are).
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from letters.fonts import face, static_file
from letters.layout import A4
from letters.lines import Line
from letters.pen import Pen
from letters.render import draw, render, set_letter
from rules.letters.blocks import FilledLetter
from rules.letters.filling import fill
from rules.letters.reading import plain_text
from rules.letters.templates import starter_template
from tests.rules.letters.samples import DATA

try:
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration
except (ImportError, OSError):  # its system libraries are not everywhere
    weasyprint = None

LETTERS, ROUNDS, SLOW_LETTERS = 60, 7, 12
FIRST = ("Seán", "Zofia", "Niamh", "Олена", "Tadhg", "Łukasz", "Síle", "Ngọc")
LAST = ("Ní Bhriain", "Kowalczyk", "O'Connor", "Шевченко", "Mac Giolla Phádraig", "Nguyễn")


def values(number: int) -> dict[str, Any]:
    """Merge data in which nothing stays the same."""
    child, family = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    days = [f"2026-11-{2 + (number * 3 + step) % 26:02d} {'AM' if step % 2 else 'PM'}" for step in range(6)]
    return {
        **DATA,
        "student_first_name": f"{child} {number}",
        "guardian_name": f"{child} {family} {number}",
        "guardian_address": [f"{number} Main Street", f"Townland {number}", f"D{number % 24 + 1:02d} X{number:03d}"],
        "salutation": f"Dear {child} {family} {number}",
        "reference": f"HR-2026-{number:06d}",
        "contact_name": f"Aoife {LAST[(number + 1) % len(LAST)]} {number}",
        "contact_phone": f"+353 1 555 {number:04d}",
        "absence_days": f"{number % 40 + 1} days",
        "absence_dates": days,
        "period_start": f"2026-09-{number % 28 + 1:02d}",
        "period_end": f"2026-12-{number % 28 + 1:02d}",
        "reply_by": f"2027-01-{number % 28 + 1:02d}",
    }


@dataclass
class Lines(Pen):
    """Notes where every line and rule goes instead of drawing it."""

    texts: list[tuple[str, float, str, float, float, str]] = field(default_factory=list)
    rules: list[tuple[float, float, float]] = field(default_factory=list)

    def line(self, line: Line, x: float, top: float, width: float = 0, *, flush_right: bool = False) -> None:
        style = line.style
        at = x + width - line.width if flush_right else x
        baseline = A4.height - top - style.leading * 0.5 - style.size * 0.36
        for piece in line.pieces:
            text = "".join(glyph.text for glyph in piece.shape.glyphs)
            same = self.texts and self.texts[-1][4] == baseline and self.texts[-1][0] == face(piece.face).name
            if same and piece is not line.pieces[0]:
                name, size, before, start, _, colour = self.texts.pop()
                self.texts.append((name, size, before + text, start, baseline, colour))
            else:
                self.texts.append((face(piece.face).name, style.size, text, at, baseline, style.colour))
            at += piece.shape.width * style.size / 1000

    def rule(self, x: float, top: float, width: float, colour: str, *, weight: float = 0.6) -> None:
        self.rules.append((x, A4.height - top, width))

    def end_page(self) -> None:
        """One page only."""


def noted(letter: FilledLetter) -> Lines:
    pen = Lines()
    draw(set_letter(letter), pen, A4)
    return pen


def bare(lines: Lines) -> bytes:
    """What a program would do that knew every position already."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=(A4.width, A4.height), invariant=1, pageCompression=1)
    for name, size, text, x, y, colour in lines.texts:
        canvas.setFillColor(colour)
        canvas.setFont(name, size)
        canvas.drawString(x, y, text)
    for x, y, width in lines.rules:
        canvas.line(x, y, x + width, y)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def page(letter: FilledLetter) -> str:
    """The same words as HTML."""
    frame = letter.frame
    head = [frame.school_name, *frame.school_address, frame.guardian_name, *frame.guardian_address, frame.reference]
    body = "".join(f"<p>{escape(text)}</p>" for text in (*head, *plain_text(letter).split("\n\n"), frame.contact_phone))
    return f"<html><body>{body}</body></html>"


def weasy() -> Callable[[FilledLetter], bytes] | None:
    if weasyprint is None:
        return None
    fonts = FontConfiguration()
    sources = "".join(
        f"@font-face{{font-family:N;font-weight:{weight};src:url({static_file(name).as_uri()})}}"
        for name, weight in (("Sans", 400), ("Sans-Bold", 700))
    )
    look = f"{sources} @page{{size:A4;margin:25mm}} body{{font:10.5pt/15.5pt N}}"
    style = weasyprint.CSS(string=look, font_config=fonts)
    return lambda letter: bytes(
        weasyprint.HTML(string=page(letter)).write_pdf(stylesheets=[style], font_config=fonts) or b""
    )


def cpu(work: Callable[[int], object], numbers: range) -> float:
    """CPU milliseconds per letter."""
    started = time.process_time()
    for number in numbers:
        work(number)
    return (time.process_time() - started) * 1000 / len(numbers)


def main(letters: int) -> None:
    document = starter_template("LETTER_2_ATTENDANCE").parsed()
    known = [fill(document, values(number)) for number in range(letters)]
    positions = [noted(letter) for letter in known]
    ours, theirs = [], []
    for turn in range(ROUNDS):  # side by side, so that a busy machine slows both; new words in every round
        fresh = range(turn * letters, (turn + 1) * letters)
        ours.append(cpu(lambda number: render(fill(document, values(number))), fresh))
        theirs.append(cpu(lambda number: bare(positions[number]), range(letters)))
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    result: dict[str, object] = {
        "bench": "letter",
        "ms": round(statistics.median(ours), 2),
        "bare_ms": round(statistics.median(theirs), 2),
        "ratio": round(ratio, 2),
        "bar": 1.3,
        "bytes": len(render(known[0]).content),
        "bare_bytes": len(bare(positions[0])),
    }
    slow = weasy()
    if slow is None:
        result["weasyprint"] = "not available"
    else:
        slow(known[0])
        took = cpu(lambda number: slow(known[number]), range(min(SLOW_LETTERS, letters)))
        result |= {"weasyprint_ms": round(took, 1), "times_faster": round(took / statistics.median(ours), 1)}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LETTERS)
