"""Keyset pages: the rows after a sort key, so that a page never shifts under inserts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from rules.errors import Invalid

Columns = TypeVarTuple("Columns")
Sorted = ColumnElement[Any] | InstrumentedAttribute[Any]
READERS: Mapping[type, Callable[[str], Any]] = {
    str: str,
    int: int,
    UUID: UUID,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
}


@dataclass(frozen=True, slots=True)
class Window:
    """Which page: at most `limit` rows (one more is fetched to know whether there is another) after this key."""

    limit: int
    after: Sequence[str] | None = None


def paged(
    wanted: Select[*Columns], order: Sequence[Sorted], window: Window, *, latest_first: bool = False
) -> Select[*Columns]:
    """The statement for one page; `order` must end in a unique column."""
    sides = [column.desc() if latest_first else column.asc() for column in order]
    wanted = wanted.order_by(*sides).limit(window.limit + 1)
    if window.after is None:
        return wanted
    here, left = tuple_(*order), tuple_(*_literals(order, window.after))
    return wanted.where(here < left if latest_first else here > left)


def _literals(order: Sequence[Sorted], after: Sequence[str]) -> list[Any]:
    try:
        pairs = zip(order, after, strict=True)
        return [literal(READERS[column.type.python_type](text), column.type) for column, text in pairs]
    except (ValueError, KeyError) as error:
        problem = "not a cursor of this list; leave it out to begin at the first page"
        raise Invalid("bad_cursor", "The cursor cannot be read.", fields={"query.cursor": problem}) from error
