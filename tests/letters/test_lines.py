"""Lines break at spaces and stand in the order their languages are read."""

import subprocess
import sys
from pathlib import Path

import pytest

from letters.bidi import levels, visual_order
from letters.errors import MissingGlyph, TextOverflow
from letters.lines import Line, TextStyle, natural_width, one_line, set_lines
from letters.shaping import PrivateCodes, shaped
from letters.strips import Strip, paginate
from rules.letters.blocks import Run

STYLE = TextStyle(10, 14)
ARABIC = TextStyle(10, 14, rtl=True)


def said(line: Line) -> str:
    """What stands on the page from left to right, presentation forms as their letters."""
    return "".join(glyph.text or "?" for piece in line.pieces for glyph in piece.shape.glyphs)


def lines(text: str, width: float, style: TextStyle = STYLE) -> list[str]:
    return [said(line) for line in set_lines([Run(text)], style, width)]


def test_lines_break_at_spaces_and_never_at_no_break_spaces() -> None:
    assert lines("one two three", 45) == ["one two", "three"]
    assert lines("ring 01\u00a0555\u00a00134", 60) == ["ring", "01\u00a0555\u00a00134"]
    assert lines("one\ntwo", 200) == ["one", "two"]
    assert lines("", 200) == [""]


def test_a_word_wider_than_the_line_is_divided_between_letters_and_their_marks() -> None:
    assert "".join(lines("Llanfairpwllgwyngyll", 40)) == "Llanfairpwllgwyngyll"
    divided = lines("q\u0301" * 8, 20)
    assert "".join(divided) == "q\u0301" * 8
    assert not any(part.startswith("\u0301") for part in divided)


def test_a_joined_word_is_never_torn_apart() -> None:
    with pytest.raises(TextOverflow):
        set_lines([Run("مدرسة")], ARABIC, 5)


def test_styles_meet_inside_a_word() -> None:
    (line,) = set_lines([Run("5", strong=True), Run(" days"), Run(".", emphasis=True)], STYLE, 200)
    assert [piece.face for piece in line.pieces] == ["Sans-Bold", "Sans", "Sans", "Sans-Italic"]
    assert said(line) == "5 days."


def test_a_number_in_an_arabic_line_keeps_its_order_only_when_isolated() -> None:
    phone = "+353\u00a01\u00a0555\u00a00134"
    assert phone in said(one_line(f"الرقم \u2068{phone}\u2069.", ARABIC))
    assert phone not in said(one_line(f"الرقم {phone}.", ARABIC))


def test_brackets_are_mirrored_and_words_run_from_the_right() -> None:
    assert said(one_line("אב (גד)", ARABIC)) == "(דג) בא"


def test_an_arabic_name_in_an_english_line_is_turned_alone() -> None:
    (line,) = set_lines([Run("Dear \u2068אב גד\u2069, hello")], STYLE, 400)
    assert said(line) == "Dear דג בא, hello"


def test_levels_are_worked_out_only_where_something_turns() -> None:
    assert levels("Seán Ó'Brien", rtl=False) is None
    assert levels("a א", rtl=False) == (0, 0, 1)
    assert levels("", rtl=True) == ()


def test_pieces_without_levels_keep_their_order() -> None:
    line = one_line("plain words", STYLE)
    assert visual_order(line.pieces) == list(line.pieces)


def test_words_are_shaped_with_kerning_and_without_ligatures() -> None:
    assert shaped("Sans", "AVA", rtl=False).plain == ""
    assert shaped("Sans", "fine", rtl=False).plain == "fine"


def test_width_of_a_line_is_that_of_its_pieces() -> None:
    word, whole = natural_width([Run("one three")], STYLE)
    assert 0 < word < whole
    assert natural_width([], STYLE) == (0, 0)


def test_all_missing_characters_of_a_word_are_named() -> None:
    with pytest.raises(MissingGlyph, match=r"U\+4E2D, U\+6587"):
        set_lines([Run("中文")], STYLE, 100)


def test_private_codes_are_taken_back() -> None:
    codes = PrivateCodes()
    (piece,) = one_line("لا", ARABIC).pieces
    first = [(up, str(text)) for up, text in codes.drawable(piece)]
    codes.forget()
    assert [(up, str(text)) for up, text in codes.drawable(piece)] == first
    codes.forget()


def strip(height: float, **options: object) -> Strip:
    return Strip(height, lambda _pen, _left, _top: None, **options)  # type: ignore[arg-type]  # options of any kind


def tops(strips: list[Strip], first: float = 100, following: float = 100) -> list[list[float]]:
    return [[placed.top for placed in page] for page in paginate(strips, first, following)]


def test_strips_fill_a_page_and_then_the_next() -> None:
    assert tops([strip(40), strip(40, before=10), strip(40, before=10)]) == [[0, 50], [0]]


def test_what_belongs_together_moves_together() -> None:
    assert tops([strip(60), strip(20, with_next=True), strip(40)]) == [[0], [0, 20]]


def test_a_group_higher_than_a_page_is_divided_after_all() -> None:
    assert tops([strip(60, with_next=True), strip(60, with_next=True), strip(60)]) == [[0], [0], [0]]


def test_a_page_break_turns_only_a_page_that_holds_something() -> None:
    assert tops([strip(10, new_page=True), strip(10, new_page=True)]) == [[0], [0]]


def test_headings_of_a_table_stand_again_on_the_next_page() -> None:
    head = strip(10)
    assert tops([head, strip(80), strip(80, repeat=(head,))]) == [[0, 10], [0, 10]]


def test_a_strip_higher_than_a_page_is_refused() -> None:
    with pytest.raises(TextOverflow):
        tops([strip(120)])


def test_reading_direction_does_not_bring_a_second_pdf_writer() -> None:
    asks = "import sys, letters.bidi; sys.exit('fpdf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asks], cwd=Path(__file__).parents[2], check=False).returncode == 0
