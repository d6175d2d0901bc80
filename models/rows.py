"""How many rows a statement wrote."""

from typing import Any

from sqlalchemy import CursorResult, Result


def affected(result: Result[Any]) -> int:
    """Rows inserted, updated or deleted by a statement that was executed as such."""
    assert isinstance(result, CursorResult), "only a data-changing statement has a row count"
    return result.rowcount
