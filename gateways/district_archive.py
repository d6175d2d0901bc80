"""A district folder in one zip: only tables we know, under names of our own, never more than was announced."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from rules.errors import Invalid

MOST_FILES: Final = 200
MOST_BYTES: Final = 4 * 1024**3
MOST_RATIO: Final = 200
BLOCK: Final = 1024 * 1024


def unpack(archive: BinaryIO, into: Path, tables: tuple[str, ...]) -> list[str]:
    """Write the archive's known tables into a folder and return their names; Invalid for anything that looks wrong.

    `TABLE.csv` and `marks*.csv` are taken from whatever folder they lie in; everything else is left out.
    """
    try:
        with zipfile.ZipFile(archive) as found:
            wanted = [entry for entry in found.infolist() if not entry.is_dir() and _known(entry.filename, tables)]
            _refuse_bombs(wanted)
            names: list[str] = []
            left = MOST_BYTES
            for number, entry in enumerate(sorted(wanted, key=lambda one: one.filename)):
                name = _own_name(entry.filename, number)
                if name in names:
                    raise _refused(f"it holds {name} twice")
                left = _write(found, entry, into / name, left)
                names.append(name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as broken:  # RuntimeError: it is encrypted
        raise _refused("it cannot be read") from broken
    if not names:
        raise _refused(f"it holds none of {', '.join(f'{table}.csv' for table in tables)}")
    return names


def _known(path: str, tables: tuple[str, ...]) -> bool:
    name = PurePosixPath(path).name.lower()
    return name.removesuffix(".csv") in tables or (name.startswith("marks") and name.endswith(".csv"))


def _own_name(path: str, number: int) -> str:
    name = PurePosixPath(path).name.lower()
    return f"marks-{number:04d}.csv" if name.startswith("marks") else name


def _refuse_bombs(entries: list[zipfile.ZipInfo]) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MOST_FILES or total > MOST_BYTES or total > MOST_RATIO * max(packed, 1024):
        raise _refused("it unpacks to far more than a register")


def _write(found: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    with found.open(entry) as source, target.open("wb") as out:
        while block := source.read(BLOCK):
            left -= len(block)
            if left < 0:
                raise _refused("it unpacks to far more than a register")
            out.write(block)
    return left


def _refused(why: str) -> Invalid:
    return Invalid(
        "archive_refused",
        f"The archive was not taken in: {why}. Send a zip of a district folder.",
        fields={"body.file": why},
    )
