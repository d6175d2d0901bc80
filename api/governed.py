"""A step in the life of a governed version, as a request asks for it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.schemas.shared import ReasonIn
from services.governed import MoveVersion


def _move(version_id: UUID, body: ReasonIn) -> MoveVersion:
    return MoveVersion(version_id, body.reason)


Move = Annotated[MoveVersion, Depends(_move)]
