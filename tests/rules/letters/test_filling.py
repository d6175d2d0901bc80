"""A template and one person's values make a letter, or every wrong value is named."""

import sys
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from rules.errors import Invalid
from rules.letters.blocks import Cell, FilledLetter, Heading, ListBlock, PageBreak, Paragraph, Run, TableBlock
from rules.letters.filling import fill, merge_fields_used, snapshot
from rules.letters.parsing import parse_template
from rules.letters.reading import plain_text, words_on_first_page
from rules.letters.values import below_hebrew
from tests.rules.letters.samples import DATA, FRAME


def filled(body: str, language: str = "en", **values: Any) -> FilledLetter:
    return fill(parse_template(body, title="T", language=language), {**FRAME, **values})


def said(body: str, language: str = "en", **values: Any) -> str:
    return plain_text(filled(body, language, **values)).replace("\u00a0", " ")


def problems(body: str, **values: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        filled(body, **values)
    assert caught.value.code == "merge_data_invalid"
    return caught.value.fields


def test_blocks_are_built_with_their_styles() -> None:
    letter = filled(
        "<h2>Hello  {{ student_first_name }}</h2> <p>one <strong>two <em>three</em></strong> <br> four </p><hr>"
        "<ol><li>a</li></ol><table><thead><tr><th>H</th></tr></thead><tr><td>x</td></tr></table>",
        student_first_name="Seán",
    )
    assert letter.blocks == (
        Heading(2, (Run("Hello Seán"),)),
        Paragraph((Run("one "), Run("two ", strong=True), Run("three", strong=True, emphasis=True), Run("\nfour"))),
        PageBreak(),
        ListBlock(ordered=True, items=((Run("a"),),)),
        TableBlock(((Cell((Run("H"),), heading=True),), (Cell((Run("x"),)),))),
    )
    assert isinstance(letter.blocks[4], TableBlock)
    assert letter.blocks[4].heading_rows == 1
    assert TableBlock(((Cell((), heading=True),),)).heading_rows == 1


def test_a_field_alone_in_a_list_item_becomes_one_item_per_value() -> None:
    letter = filled(
        "<ul><li> {{ absence_dates }} </li><li>and</li></ul>", absence_dates=["2026-11-03", "2026-11-05 PM"]
    )
    assert plain_text(letter).replace("\u00a0", " ").splitlines() == [
        "- Tuesday 3 November 2026",
        "- Thursday 5 November 2026 (PM)",
        "- and",
    ]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("absence_dates", ["2026-11-03", date(2026, 11, 4)], "Tuesday 3 November 2026 and Wednesday 4 November 2026"),
        ("absence_dates", ["2026-11-03 AM"], "Tuesday 3 November 2026 (AM)"),
        ("letter_date", date(2026, 11, 21), "21 November 2026"),
        ("meeting_time", "2026-12-01T14:30", "Tuesday 1 December 2026 at 2:30 PM"),
        ("meeting_time", datetime(2026, 12, 1, 0, 5), "Tuesday 1 December 2026 at 12:05 AM"),  # noqa: DTZ001 - local by definition
        ("absence_count", Decimal("4.50"), "4.50"),
        ("attendance_percent", "84.2", "84.2"),
        ("school_address", ["1 Main Street", "", "Dublin 8"], "1 Main Street\nDublin 8"),
        ("student_first_name", "Sea\u0301n", "Seán"),
        ("contact_phone", "+353 1 555", "+353 1 555"),
    ],
)
def test_values_are_written_out_by_their_type(field: str, value: object, expected: str) -> None:
    given: dict[str, Any] = {field: value}
    assert said(f"<p>{{{{ {field} }}}}</p>", **given) == expected


def test_phone_numbers_and_dates_never_break_over_two_lines() -> None:
    assert " " not in plain_text(filled("<p>{{ contact_phone }}{{ letter_date }}</p>"))


def test_dates_speak_the_letters_language() -> None:
    assert said("<p>{{ letter_date }}</p>", "ga-IE") == "21 Samhain 2026"
    assert said("<p>{{ letter_date }}</p>", "pl") == "21 listopada 2026"
    assert said("<p>{{ letter_date }}</p>", "xx") == "21 November 2026"


def test_values_against_the_direction_of_the_text_are_isolated() -> None:
    english = filled("<p>{{ student_first_name }}, {{ contact_phone }}</p>", student_first_name="محمد")
    arabic = filled("<p>{{ contact_phone }}</p>", "ar")
    assert english.blocks == (Paragraph((Run("\u2068محمد\u2069, +353\u00a01\u00a0555\u00a00134"),)),)
    assert arabic.blocks == (Paragraph((Run("\u2068+353\u00a01\u00a0555\u00a00134\u2069"),)),)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("student_first_name", None, "is missing"),
        ("student_first_name", "", "is missing"),
        ("student_first_name", "  ", "must be text"),
        ("student_first_name", "a\tb", "control character"),
        ("student_first_name", 3, "must be text"),
        ("absence_count", "many", "must be a number"),
        ("absence_count", True, "must be a number"),
        ("absence_count", "NaN", "must be a number"),
        ("letter_date", "21/11/2026", "Invalid isoformat"),
        ("letter_date", 3, "must be a date"),
        ("meeting_time", "soon", "Invalid isoformat"),
        ("absence_dates", "2026-11-03", "must be a list of dates"),
        ("absence_dates", ["2026-11-03 XM"], "AM or PM"),
        ("absence_dates", [7], "must be a date"),
        ("school_address", "one line", "must be a list of lines"),
    ],
)
def test_a_wrong_value_is_named(field: str, value: object, reason: str) -> None:
    assert reason in problems(f"<p>{{{{ {field} }}}}</p>", **{field: value})[field]


def test_a_field_that_the_template_does_not_know_is_refused() -> None:
    assert "leave it out" in problems("<p>x</p>", shoe_size="44")["shoe_size"]


def test_the_frame_is_needed_whatever_the_body_says() -> None:
    with pytest.raises(Invalid) as caught:
        fill(parse_template("<p>x</p>", title="T"), {})
    assert set(caught.value.fields) == set(FRAME)


def test_a_letter_by_mail_needs_no_postal_address() -> None:
    assert filled("<p>x</p>", guardian_address=[]).frame.guardian_address == ()


CONDITIONAL = "<p>{% if reply_by %}Ring by {{ reply_by }}.{% endif %}{% if not reply_by %}Ring soon.{% endif %}</p>"


def test_a_condition_decides_what_stands_and_what_is_needed() -> None:
    assert said(CONDITIONAL, reply_by="2026-11-30") == "Ring by 30 November 2026."
    assert said(CONDITIONAL) == "Ring soon."
    assert said("<p>{% if unexplained_count %}yet{% endif %}so</p>", unexplained_count=0) == "so"


def test_conditions_around_blocks_items_and_rows() -> None:
    body = (
        "{% if reply_by %}<p>a</p>{% endif %}<ul>{% if reply_by %}<li>b</li>{% endif %}</ul>"
        "<table>{% if reply_by %}<tr><td>c</td></tr>{% endif %}</table><p>{% if reply_by %}d{% endif %}</p>"
    )
    assert filled(body).blocks == ()
    assert said(body, reply_by="2026-11-30") == "a\n\n- b\n\nc\n\nd"


def test_the_fields_a_template_uses_are_told_with_and_without_data() -> None:
    document = parse_template(CONDITIONAL, title="T")
    assert merge_fields_used(document) == {"reply_by"}
    assert merge_fields_used(document, {}) == frozenset()
    assert merge_fields_used(document, {"reply_by": "2026-11-30"}) == {"reply_by"}


def test_the_snapshot_is_json_of_what_was_given() -> None:
    document = parse_template("<p>x</p>", title="T")
    given = {"letter_date": date(2026, 11, 21), "absence_count": Decimal("4.5"), "absence_dates": [date(2026, 11, 3)]}
    assert snapshot(document, {**given, "unknown": 1}) == {
        "absence_count": "4.5",
        "absence_dates": ["2026-11-03"],
        "letter_date": "2026-11-21",
    }


def test_words_are_counted_on_the_first_page_only() -> None:
    assert words_on_first_page(filled("<p>one two</p><hr><p>three</p>")) == 2
    assert words_on_first_page(filled("<p>one {{ letter_date }}</p>")) == 4


def test_text_of_a_page_break_is_nothing() -> None:
    assert plain_text(filled("<p>a</p><hr><p>b</p>")) == "a\n\nb"
    assert DATA["student_first_name"] == "Seán"


def test_spaces_and_breaks_are_tidied_across_styles() -> None:
    assert filled("<p> a <strong> b <br> </strong><br>c <em> </em> </p>").blocks == (
        Paragraph((Run("a "), Run("b\n", strong=True), Run("\nc"))),
    )


def test_no_character_told_to_run_from_left_to_right_runs_from_right_to_left() -> None:
    passed = [chr(code) for code in range(sys.maxunicode) if below_hebrew(chr(code))]
    assert len(passed) > 1000
    assert not {unicodedata.bidirectional(point) for point in passed} & {"R", "AL", "AN", "RLE", "RLO", "RLI"}
