"""Awkward files are each accepted or refused as the nasty README says; nothing is guessed."""

from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest

from gateways.csv_source import Layout, blocks
from gateways.district_folder import Chunk, read_feed, read_folder
from gateways.source_declaration import SourceDeclaration, parse_declaration
from rules.attendance.quality import IssueKind
from rules.errors import Invalid
from tests.shared_data import shared

RECEIVED = datetime(2026, 9, 1, 8, 0, 0, tzinfo=UTC)
SCHOOL = SourceDeclaration(school_id="S1")


def raw(name: str) -> Path:
    return shared("data", "nasty", "raw", name)


def read(name: str, source: SourceDeclaration = SCHOOL, table: str = "marks") -> list[Chunk]:
    return list(read_feed(raw(name), table, source, received_at=RECEIVED))


def column(chunk: Chunk, name: str) -> list[object]:
    return list(chunk.fields[name])


def kinds(chunk: Chunk) -> list[tuple[int, IssueKind]]:
    return [(problem.row, problem.kind) for problem in chunk.problems]


def refusal(name: str, source: SourceDeclaration = SCHOOL, table: str = "marks") -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        read(name, source, table)
    return refused.value.fields


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    (chunk,) = read("01_utf8_bom.csv")
    assert column(chunk, "student_id") == ["A1"]


def test_windows_1252_is_read_only_when_declared() -> None:
    assert list(refusal("02_windows1252.csv", table="students")) == ["02_windows1252.csv, row 2"]
    (chunk,) = read("02_windows1252.csv", SourceDeclaration(encoding="windows-1252"), "students")
    assert column(chunk, "last_name") == ["O’Brien", "Nuñez"]


def test_excel_serials_are_dates_only_for_a_source_declared_excel() -> None:
    (chunk,) = read("03_excel_serial_dates.csv")
    assert (chunk.numbers, kinds(chunk)) == ([], [(2, IssueKind.EXCEL_SERIAL_DATE), (3, IssueKind.EXCEL_SERIAL_DATE)])
    (chunk,) = read("03_excel_serial_dates.csv", SourceDeclaration(school_id="S1", excel_dates=True))
    assert column(chunk, "date") == [date(2024, 9, 3)] * 2
    assert column(chunk, "recorded_at") == [RECEIVED] * 2


def test_an_ambiguous_date_refuses_the_file_until_its_order_is_declared() -> None:
    assert list(refusal("04_ambiguous_dates.csv")) == ["04_ambiguous_dates.csv, row 2, column date"]
    (chunk,) = read("04_ambiguous_dates.csv", SourceDeclaration(school_id="S1", date_order="DMY"))
    assert column(chunk, "date") == [date(2024, 9, 3), date(2024, 3, 9), date(2024, 9, 13), date(2024, 9, 3)]
    (chunk,) = read("04_ambiguous_dates.csv", SourceDeclaration(school_id="S1", date_order="MDY"))
    assert column(chunk, "date") == [date(2024, 3, 9), date(2024, 9, 3), date(2024, 9, 3)]
    assert kinds(chunk) == [(4, IssueKind.BAD_DATE)]


def test_semicolons_are_a_delimiter_only_when_declared() -> None:
    assert "05_semicolon_decimal_comma.csv, row 1, column session" in refusal("05_semicolon_decimal_comma.csv")
    file = raw("05_semicolon_decimal_comma.csv")
    (block,) = blocks(file, Layout(("student_id", "percent")), file=file.name, delimiter=";")
    assert dict(block.columns) == {"student_id": ("A1",), "percent": ("89,5",)}


def test_utf16_is_known_by_its_mark() -> None:
    (chunk,) = read("06_utf16.csv")
    assert column(chunk, "date") == [date(2024, 9, 3)]


def test_ids_are_text_and_never_repaired() -> None:
    (chunk,) = read("07_leading_zero_ids_lost.csv")
    assert column(chunk, "student_id") == ["1234", "001234", "1.234E+03"]


def test_line_breaks_and_formulas_inside_quotes_are_content() -> None:
    (chunk,) = read("08_quoted_newline_and_formula.csv")
    assert column(chunk, "student_id") == ["A1", "A2"]
    assert kinds(chunk) == [(1, IssueKind.IGNORED_COLUMN)]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/London", [date(2024, 10, 27), date(2025, 3, 30), date(2024, 9, 4)]),
        ("America/Chicago", [date(2024, 10, 26), date(2025, 3, 29), date(2024, 9, 3)]),
    ],
)
def test_a_timestamp_becomes_the_schools_local_date(zone: str, expected: list[date]) -> None:
    (chunk,) = read("09_dst_timestamps.csv", SourceDeclaration(school_id="S1", timezone=zone))
    assert column(chunk, "date") == expected
    assert column(chunk, "recorded_at")[2] == datetime(2024, 9, 4, 4, 30, tzinfo=UTC)


def test_a_timestamp_without_a_declared_zone_gives_no_date() -> None:
    (chunk,) = read("09_dst_timestamps.csv")
    assert kinds(chunk) == [(row, IssueKind.MISSING_VALUE) for row in (2, 3, 4)]


@pytest.mark.parametrize("name", ["10_truncated_last_line.csv", "12_empty.csv"])
def test_a_broken_file_is_refused_whole(name: str) -> None:
    assert refusal(name)


def test_control_characters_set_the_row_aside_and_the_rest_is_read() -> None:
    (chunk,) = read("11_nul_and_control.csv")
    assert kinds(chunk) == [(2, IssueKind.CONTROL_CHARACTER), (3, IssueKind.CONTROL_CHARACTER)]
    assert all(problem.advice and problem.value.isprintable() for problem in chunk.problems)


def test_a_header_alone_is_no_rows_and_a_warning() -> None:
    (chunk,) = read("13_header_only.csv")
    assert (chunk.numbers, kinds(chunk)) == ((), [(1, IssueKind.NO_ROWS)])


def test_columns_are_found_by_name_and_others_are_noted() -> None:
    (chunk,) = read("14_reordered_extra_columns.csv")
    assert (column(chunk, "student_id"), column(chunk, "code")) == (["A1"], ["I"])
    assert kinds(chunk) == [(1, IssueKind.IGNORED_COLUMN)]


def test_a_backslash_is_one_character_quoted_or_not() -> None:
    (chunk,) = read("15_backslash_code.csv")
    assert column(chunk, "code") == ["\\", "\\"]


def test_marks_need_a_school_from_a_column_or_the_declaration() -> None:
    assert list(refusal("01_utf8_bom.csv", SourceDeclaration())) == ["01_utf8_bom.csv, row 1, column school_id"]


def test_the_same_row_has_the_same_identity() -> None:
    text = b"student_id,school_id,date,session,code\nA,S,2024-09-03,AM,I\nA,S,2024-09-03,AM,I\n"
    (chunk,) = read_feed(BytesIO(text), "marks", received_at=RECEIVED)
    first, second = column(chunk, "mark_id")
    assert first == second


def test_columns_go_by_the_sources_names_and_bad_fields_say_what_to_do() -> None:
    source = parse_declaration(
        {"school_id": "S1", "columns": {"code": "Mark", "student_id": "UPN"}, "date_order": "DMY"}
    )
    text = b"UPN,date,session,Mark,minutes_missed,recorded_at\n,3/9/2024,EV,I,NS,soon\nB,3/9/2099,AM,I,20,\n"
    (chunk,) = read_feed(BytesIO(text), "marks", source, received_at=RECEIVED)
    assert {problem.kind for problem in chunk.problems if problem.quarantined} == {
        IssueKind.MISSING_VALUE,
        IssueKind.UNKNOWN_SESSION,
        IssueKind.BAD_NUMBER,
        IssueKind.BAD_INSTANT,
    }
    assert (chunk.numbers, column(chunk, "minutes_missed")) == ([3], [20])
    assert (3, IssueKind.FUTURE_DATE) in kinds(chunk)


def test_a_wrong_declaration_names_its_fields() -> None:
    with pytest.raises(Invalid) as refused:
        parse_declaration({"timezone": "Mars/Base", "encoding": "runes", "delimiter": ";;", "colour": 1})
    assert set(refused.value.fields) == {"timezone", "encoding", "delimiter", "colour"}


def test_a_chunk_can_be_told_in_canonical_text() -> None:
    (chunk,) = read("04_ambiguous_dates.csv", SourceDeclaration(school_id="S1", date_order="DMY"))
    texts = chunk.texts()
    assert texts["date"] == ["2024-09-03", "2024-03-09", "2024-09-13", "2024-09-03"]
    assert {texts[name][0] for name in ("recorded_at", "deleted", "minutes_missed")} == {
        "2026-09-01T08:00:00Z",
        "0",
        "",
    }
    (empty,) = read("13_header_only.csv")
    assert set(map(len, empty.texts().values())) == {0}


def test_a_folder_is_read_in_the_order_an_import_needs() -> None:
    chunks = list(read_folder(shared("data", "planted"), received_at=RECEIVED))
    tables = list(dict.fromkeys(chunk.table for chunk in chunks))
    assert tables == ["schools", "calendar", "students", "enrolments", "marks"]
    assert sum(len(chunk.numbers) for chunk in chunks if chunk.table == "marks") == 10_878
