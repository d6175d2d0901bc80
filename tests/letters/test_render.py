"""A letter is drawn whole, the same every time, its address in the window, or refused with the reason."""

import os
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from letters.errors import AddressOverflow, MissingGlyph, TextOverflow, TooManyPages
from letters.layout import A4, A4_LARGE_PRINT, Layout
from letters.render import RenderedLetter, render
from rules.letters.blocks import FilledLetter
from rules.letters.filling import fill
from rules.letters.parsing import parse_template
from rules.letters.templates import starter_template, starter_templates
from tests.letters.pages import marks, texts
from tests.rules.letters.samples import DATA, FRAME

ROOT = Path(__file__).parents[2]


def letter(body: str, language: str = "en", **values: Any) -> FilledLetter:
    return fill(parse_template(body, title="Test letter", language=language), {**FRAME, **values})


def drawn(body: str, language: str = "en", **values: Any) -> RenderedLetter:
    return render(letter(body, language, **values))


def starter(key: str, **values: Any) -> FilledLetter:
    return fill(starter_template(key).parsed(), {**DATA, **values})


def test_a_starter_letter_says_all_it_should_on_one_page() -> None:
    made = render(starter("LETTER_1_ATTENDANCE"))
    assert made.pages == 1
    (text,) = texts(made.content)
    for words in (
        "Gaelscoil Átha Cliath", "Siobhán Ní Bhriain", "14 Sráid na hÓige", "21 November 2026", "HR-2026-7K4Q2M",
        "How can we help Seán?", "missed 4.5 days", "Thursday 5 November 2026 (AM)", "we do not know why yet",
        "Aoife Byrne", "+353 1 555 0134", "Page 1 of 1",
    ):  # fmt: skip
        assert words in text
    assert made.sha256 == sha256(made.content).hexdigest()
    assert made.engine.startswith("reportlab ")
    assert set(made.fonts) == {"Sans", "Sans-Bold"}
    assert all(len(value) == 64 for value in made.fonts.values())


@pytest.mark.parametrize("key", [template.key for template in starter_templates()])
def test_every_starter_fits_one_page_and_a_notice_has_its_formal_part_on_the_second(key: str) -> None:
    assert render(starter(key)).pages == (2 if key == "NOTICE_TO_IMPROVE" else 1)


def test_metadata_names_the_letter_and_the_school_and_nobody_else() -> None:
    about = PdfReader(BytesIO(render(starter("LETTER_1_ATTENDANCE")).content))
    assert about.metadata is not None
    assert about.metadata.title == "How we can help with attendance (HR-2026-7K4Q2M)"
    assert about.metadata.author == "Gaelscoil Átha Cliath"
    assert str(about.root_object["/Lang"]) == "en"


def test_the_address_lies_in_the_window_and_nothing_else_does() -> None:
    address = [
        "Flat 12, The Long Building",
        "14 Sráid na hÓige",
        "Townland",
        "Baile Átha Cliath 8",
        "D08 X2Y3",
        "IRELAND",
    ]
    made = render(starter("LETTER_1_ATTENDANCE", guardian_address=address))
    inside = [m for m in marks(made.content) if m.left < 120 and m.bottom > 39.5 and m.top < 66.3]
    assert "".join(m.text for m in inside) == "".join(["Siobhán Ní Bhriain", *address]).replace(" ", "")
    assert all(m.left >= 24.6 and m.right <= 120 and m.top >= 39.5 and m.bottom <= 66.3 for m in inside)


def test_everything_lies_on_the_printable_page() -> None:
    made = render(starter("LETTER_2_ATTENDANCE"))
    assert all(m.left >= 15 and m.right <= 195 and m.top >= 5 and m.bottom <= 292 for m in marks(made.content))


def test_an_address_too_long_for_the_window_is_refused() -> None:
    with pytest.raises(AddressOverflow) as caught:
        render(starter("LETTER_1_ATTENDANCE", guardian_address=[f"Line {n}" for n in range(7)]))
    assert caught.value.code == "address_overflow"
    assert "guardian_address" in caught.value.fields


def test_a_character_without_a_glyph_is_refused_by_its_code_point() -> None:
    with pytest.raises(MissingGlyph) as caught:
        drawn("<p>{{ student_first_name }}</p>", student_first_name="Nไ😀\ue000")
    assert caught.value.extra == {"code_points": "U+0E44, U+E000, U+1F600"}
    assert "N" not in caught.value.message.split("U+")[0].removeprefix("No font")


def test_missing_glyphs_in_the_frame_are_refused_too() -> None:
    with pytest.raises(MissingGlyph):
        drawn("<p>x</p>", guardian_name="ไทย")


def test_a_letter_over_its_pages_is_refused() -> None:
    with pytest.raises(TooManyPages, match="takes 5 pages; 4 are allowed"):
        drawn("<p>x</p>" + "<hr><p>y</p>" * 4)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("school_name", "Coláiste " * 30),
        ("school_address", ["line"] * 9),
        ("contact_role", "Home school community liaison " * 12),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(field: str, value: object) -> None:
    with pytest.raises(TextOverflow):
        render(starter("LETTER_1_ATTENDANCE", **{field: value}))


def test_a_joined_word_wider_than_the_page_is_refused_and_a_plain_one_is_divided() -> None:
    with pytest.raises(TextOverflow):
        drawn("<p>{{ student_first_name }}</p>", student_first_name="م" * 300)
    made = drawn("<p>{{ student_first_name }}</p>", student_first_name="W" * 100)
    assert "".join(texts(made.content)).count("W") == 100


def test_a_word_too_wide_for_its_table_is_refused() -> None:
    with pytest.raises(TextOverflow, match="table"):
        drawn("<table><tr><td>{{ student_first_name }}</td></tr></table>", student_first_name="W" * 100)


SCRIPT = """
from letters.render import render
from rules.letters.filling import fill
from rules.letters.templates import starter_template
from tests.rules.letters.samples import DATA
names = {"student_first_name": "محمد", "contact_name": "נועה כהן", "guardian_name": "Zażółć Ґанна"}
print(render(fill(starter_template("MEETING_INVITATION").parsed(), {**DATA, **names})).sha256)
"""


def test_the_same_letter_is_the_same_bytes_in_any_process() -> None:
    hashes = set()
    for seed, zone in (("1", "UTC"), ("77", "Asia/Tokyo")):
        surroundings = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=ROOT, env=surroundings, check=True, capture_output=True, text=True
        )
        hashes.add(done.stdout.strip())
    names = {"student_first_name": "محمد", "contact_name": "נועה כהן", "guardian_name": "Zażółć Ґанна"}
    render(starter("LETTER_2_ATTENDANCE", student_first_name="شجرة خضراء"))
    hashes.add(render(starter("MEETING_INVITATION", **names)).sha256)
    assert len(hashes) == 1


def test_letters_drawn_before_leave_no_trace() -> None:
    before = drawn("<p>ظل ضحى غصن {{ contact_phone }}</p>", "ar").sha256
    drawn("<p>مدرسة الأمل بنين ثانوية لا إله</p>", "ar")
    assert drawn("<p>ظل ضحى غصن {{ contact_phone }}</p>", "ar").sha256 == before


def test_a_refused_letter_leaves_the_next_one_alone() -> None:
    before = drawn("<p>مدرسة الأمل</p>", "ar").sha256
    with pytest.raises(TooManyPages):
        render(letter("<p>ظل</p><hr><p>ضحى</p>", "ar"), Layout(max_pages=1))
    assert drawn("<p>مدرسة الأمل</p>", "ar").sha256 == before


def test_large_print_enlarges_the_words_and_leaves_the_window() -> None:
    made = render(starter("LETTER_1_ATTENDANCE"), A4_LARGE_PRINT)
    assert made.pages == 2
    inside = [m for m in marks(made.content) if m.left < 120 and m.bottom > 39.5 and m.top < 66.3]
    assert "".join(m.text for m in inside).startswith("SiobhánNíBhriain")
    assert "Page 2 of 2" in texts(made.content)[1]


def test_blocks_of_every_kind_are_drawn() -> None:
    made = drawn(
        "<h1>One</h1><h2>Two</h2><h3>Three</h3><ol><li>first</li><li>second</li></ol><ul><li>dot<br>below</li></ul>"
        "<table><tr><th>Head</th><th>Other</th></tr><tr><td>Cell</td><td><em>Lean</em> <strong><em>loud</em></strong>"
        "</td></tr></table><hr><p>The formal part</p>"
    )
    first, second = texts(made.content)
    for words in ("One", "Two", "Three", "1.", "first", "2.", "•", "below", "Head", "Lean", "loud"):
        assert words in first
    assert "The formal part" in second
    assert {"Sans-Italic", "Sans-BoldItalic"} <= set(made.fonts)


def test_many_dates_stand_in_two_columns() -> None:
    dates = [f"2026-11-{day:02d}" for day in range(2, 10)]
    made = render(starter("LETTER_1_ATTENDANCE", absence_dates=dates))
    bullets = {round(m.left) for m in marks(made.content) if m.text == "•"}
    assert len(bullets) == 2
    narrow = drawn("<ul>" + "<li>a rather long item that needs more than half a line of the letter</li>" * 7 + "</ul>")
    assert len({round(m.left) for m in marks(narrow.content) if m.text == "•"}) == 1


def test_two_lines_at_least_stay_together() -> None:
    filler = "".join(f"<p>Line {n}</p>" for n in range(19))
    made = drawn(filler + "<p>" + "word " * 60 + "</p>")
    assert made.pages == 2
    assert texts(made.content)[1].count("word") >= 20
    assert A4.measure > 400
