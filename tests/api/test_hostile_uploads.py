"""Files that want more than to be read: out of their folder, out of memory, into a parser, or onto a spreadsheet."""

import contextlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gateways import district_archive
from rules.errors import Invalid
from tests.api.district import District
from tests.architecture.source import python_files

pytestmark = pytest.mark.servers
STUDENTS = b"id,first_name,last_name,year_group,school_id\n"
XML_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c SYSTEM "file:///etc/passwd">]><lolz>&b;&c;</lolz>'
)


def packed(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def sent(district: District, content: bytes, **fields: Any) -> Any:
    return district.post("/attendance/imports", files={"file": ("feed.zip", content)}, data=fields)


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/escaped/students.csv",
        "/tmp/escaped/students.csv",
        "..\\..\\students.csv",
        "a/../../students.csv",
    ],
)
def test_a_name_in_an_archive_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with contextlib.suppress(Invalid):  # a backslash makes it no table at all
        district_archive.unpack(io.BytesIO(packed({name: STUDENTS})), folder, ("students",))
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert written in ([], ["folder/students.csv"])


def test_a_link_in_an_archive_is_written_as_what_it_holds(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("students.csv")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    out.seek(0)
    district_archive.unpack(out, tmp_path, ("students",))
    assert not (tmp_path / "students.csv").is_symlink()
    assert (tmp_path / "students.csv").read_text() == "/etc/passwd"


@pytest.mark.parametrize(
    "entries",
    [
        {"marks.csv": b"0" * 30_000_000},
        {f"marks-{number}.csv": b"x" for number in range(201)},
        {"notes.txt": b"nothing of ours"},
    ],
    ids=["a bomb", "too many files", "no table at all"],
)
def test_an_archive_that_is_more_than_a_register_is_refused(district: District, entries: dict[str, bytes]) -> None:
    answer = sent(district, packed(entries))
    assert (answer.status_code, answer.json()["code"]) == (422, "archive_refused")


def test_an_archive_that_lies_about_its_size_is_refused(district: District) -> None:
    whole = bytearray(packed({"marks.csv": b"0" * 2_000_000}))
    real, said = (2_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert whole.count(real) == 2
    answer = sent(district, bytes(whole.replace(real, said)))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "content",
    [XML_BOMB, b"\x89PNG\r\n\x1a\n" + bytes(500), b"MZ" + bytes(500), b"%PDF-1.7\n", b"\x1f\x8b" + bytes(100), b""],
    ids=["xml bomb", "picture", "program", "pdf", "gzip", "nothing"],
)
def test_what_is_no_register_is_refused_and_opened_by_nothing(district: District, content: bytes) -> None:
    answer = sent(district, content, **{"as": "students"})
    assert answer.status_code == 422, answer.text
    assert "root:" not in answer.text
    without = sent(district, content)
    assert without.status_code == 422


def test_no_parser_of_xml_and_nothing_that_runs_what_it_reads_is_imported() -> None:
    """What does not exist cannot be bombed: entities, pickles and YAML tags."""
    banned = ("import xml", "from xml", "lxml", "import pickle", "import marshal", "import yaml", "import shelve")
    found = [f"{source.name}: {word}" for source in python_files() for word in banned if word in source.text]
    assert not found


@pytest.mark.parametrize("field", ["first_name", "id"])
def test_a_formula_in_a_register_is_text_to_us(district: District, field: str) -> None:
    """It is kept as it came: the exports are where it would run, and `rules/csv_lines.py` sees to them."""
    row = {"id": "formula-1", "first_name": "Ann", "last_name": "B", "year_group": "5", "school_id": "oak"}
    row[field] = "=HYPERLINK(1)"
    csv = ",".join(row) + "\n" + ",".join(row.values()) + "\n"
    answer = sent(district, csv.encode(), **{"as": "students"})
    assert answer.status_code in {201, 422}


def test_a_form_with_too_much_in_it_is_refused(district: District) -> None:
    many = [("file", (f"{number}.csv", b"x")) for number in range(3)]
    answer = district.post("/attendance/imports", files=many, data={"as": "students"})
    assert answer.status_code in {400, 422}
