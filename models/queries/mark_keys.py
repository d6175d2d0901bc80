"""The key of a mark: what its row says, receipt time apart, so that reading a file again adds nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from operator import add

from models.copying import as_texts

SEPARATOR = "\x1f"


def keys(fields: Mapping[str, Sequence[object]], received_at: datetime) -> list[str]:
    """One key for each row; a row that said no instant was recorded when it was received, and its key names none.

    Keys are stored: another way of writing them would take in again every file that was read before.
    """
    received = received_at.replace(microsecond=0)
    named = {at: _named(at, received) for at in set(fields["recorded_at"])}
    said = (
        *(as_texts(fields[name]) for name in ("school_id", "student_id", "mark_id", "date", "session")),
        map(add, as_texts(fields["code"]), [named[at] for at in fields["recorded_at"]]),
        as_texts(fields["register"]),
        map(str.lower, as_texts(fields["deleted"])),
        *(as_texts(fields[name]) for name in ("minutes_missed", "reason_code")),
    )
    rows = map(SEPARATOR.join, zip(*said, strict=True))
    return [hashlib.md5(row.encode(), usedforsecurity=False).hexdigest() for row in rows]


def repeated(keys_of_rows: Sequence[str]) -> list[str]:
    """'t' where a later row has the same key: of a row twice in a file the later place counts (S3.1)."""
    last = {key: at for at, key in enumerate(keys_of_rows)}
    return ["" if last[key] == at else "t" for at, key in enumerate(keys_of_rows)]


def _named(at: object, received: datetime) -> str:
    if not isinstance(at, datetime) or at == received:
        return ""
    return f"{SEPARATOR}{int(at.astimezone(UTC).timestamp())}.000000"
