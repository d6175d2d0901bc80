"""Cursor pages: stable under inserts, opaque to the caller."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from rules.errors import Invalid

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page holds.")]
Cursor = Annotated[
    str | None,
    Query(max_length=500, description="`next_cursor` of the page before; leave it out for the first page."),
]


class Page(BaseModel, Generic[Item]):
    """A page of items; `next_cursor` is null on the last one."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Send it back as `cursor` for the next page.")


def after(cursor: str | None) -> list[str] | None:
    """The sort key that the page before ended with."""
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, binascii.Error, UnicodeEncodeError) as error:
        raise _unreadable() from error
    if not isinstance(key, list) or not all(isinstance(part, str) for part in key):
        raise _unreadable()
    return key


def _unreadable() -> Invalid:
    problem = "not a cursor of this list; leave it out to begin at the first page"
    return Invalid("bad_cursor", "The cursor cannot be read.", fields={"query.cursor": problem})


def cursor_of(key: Sequence[object]) -> str:
    """The opaque text of a sort key."""
    text = json.dumps([str(part) for part in key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def page(
    rows: Sequence[Row], limit: int, shape: Callable[[Row], Item], key: Callable[[Row], Sequence[object]]
) -> Page[Item]:
    """A page from `limit + 1` rows: the one too many says that there is a next page."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page[Item](items=[shape(row) for row in kept], next_cursor=cursor_of(key(kept[-1])) if more else None)
