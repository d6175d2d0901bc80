"""Whom an answer shows: students whose record the caller was let in to, and those its body names."""

import re
from collections.abc import Collection
from typing import Final
from uuid import UUID

from fastapi import Response

from api import disclosing
from api.dependencies import Caller
from models.session import Session
from rules.privacy.disclosures import OUTSIDE
from services import view_log

# bodies are our own JSON: searching the bytes costs a fraction of parsing them
_NAMED: Final = re.compile(rb'"student_id": ?"([0-9a-f]{8}-[0-9a-f-]{27})"')


def shown(caller: Caller, response: Response, *, by_name: bool = True) -> frozenset[UUID]:
    """The students to be written down; `by_name`: also those that the body names in a field `student_id`."""
    body = getattr(response, "body", b"") if by_name and _is_json(response) else b""
    return frozenset(caller.reached) | {UUID(found.decode()) for found in set(_NAMED.findall(body))}


async def write_down(
    session: Session, caller: Caller, operation: str, student_ids: Collection[UUID], *, read: bool
) -> None:
    """Into the view log what staff saw; what anybody from outside read is a disclosure and stands in that log."""
    if caller.principal.role not in OUTSIDE:
        await view_log.record(session, caller.actor, operation, student_ids, now=caller.now)
    elif read:
        await disclosing.lines(session, caller, operation, student_ids)


def _is_json(response: Response) -> bool:
    return (response.media_type or response.headers.get("content-type", "")).startswith("application/json")
