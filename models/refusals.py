"""What the database said when it refused a row, for callers who can put it right."""

import re
from typing import Final

from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import IntegrityError

RefusedRow = IntegrityError
MISSING_FROM: Final = re.compile(r'table "(\w+)"')


def dangling(refused: IntegrityError) -> tuple[str, str] | None:
    """The column and the table of a reference to nothing; None when the row was refused for another reason.

    Under row-level security the server hides the key, so the column is read from the constraint's name.
    """
    if not isinstance(refused.orig, ForeignKeyViolation):
        return None
    said = refused.orig.diag
    column = (said.constraint_name or "").removeprefix(f"fk_{said.table_name}_")
    found = MISSING_FROM.search(said.message_detail or "")
    return column, found[1].replace("_", " ") if found else "such thing"
