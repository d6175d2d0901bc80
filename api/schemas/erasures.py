"""Legal holds and erasures as the API takes and shows them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from services.erasures import ErasureGround


class LegalHoldIn(Body):
    """Hold the record or let it go, and why."""

    model_config = shown({"held": True, "reason": "A claim was announced on 12 November."})

    held: bool
    reason: Reason


class LegalHoldOut(Body):
    """Whether the record is held; while it is, nothing about the student is destroyed."""

    model_config = shown(
        {
            "student_id": SOME_ID,
            "held": True,
            "reason": "A claim was announced on 12 November.",
            "placed_by": OTHER_ID,
            "placed_at": "2026-11-20T09:30:00Z",
        }
    )

    student_id: UUID
    held: bool
    reason: str | None
    placed_by: UUID | None
    placed_at: datetime | None


class ErasureIn(Body):
    """Why the record is erased, as a word: the erasure's own line stays for ever and holds no text."""

    model_config = shown({"ground": "REQUEST"})

    ground: ErasureGround


class ErasureOut(Body):
    """How far it has come: asked for by one person, decided by another, shredded, histories deleted."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "status": "REQUESTED",
            "ground": "REQUEST",
            "requested_by": SOME_ID,
            "requested_at": "2026-11-20T09:30:00Z",
            "approved_by": None,
            "approved_at": None,
            "done_at": None,
        }
    )

    id: UUID
    student_id: UUID
    status: Literal["REQUESTED", "APPROVED", "ERASED", "DONE"] = Field(
        description="REQUESTED waits for a second person; APPROVED and ERASED were interrupted: send the call again."
    )
    ground: ErasureGround
    requested_by: UUID
    requested_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    done_at: datetime | None
