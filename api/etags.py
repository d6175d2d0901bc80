"""Entity tags: an edit says which state it rests on, and loses visibly when somebody was faster."""

import hashlib
from typing import Annotated, TypeVar

from fastapi import Header, Response
from pydantic import BaseModel

from api.errors import PreconditionFailed, PreconditionRequired

Shown = TypeVar("Shown", bound=BaseModel)
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag of the state this edit rests on.", max_length=200)
]


def etag(shown: BaseModel) -> str:
    """The tag of what the caller is shown: same content, same tag."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32]}"'


def tagged(response: Response, shown: Shown) -> Shown:
    """The same body, with its tag in the header."""
    response.headers["ETag"] = etag(shown)
    return shown


def unchanged(if_match: str | None, current: BaseModel) -> None:
    """Refuse an edit that rests on nothing (428) or on a state that has gone (412)."""
    if if_match is None:
        raise PreconditionRequired(
            "if_match_missing", "Send If-Match with the ETag of the state you edited; read it with GET."
        )
    if if_match != etag(current):
        raise PreconditionFailed(
            "changed_meanwhile", "Somebody changed this after you read it; read it again, then edit.", current=current
        )
