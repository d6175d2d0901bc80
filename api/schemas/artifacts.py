"""Stored letters and reports as the API shows them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown

_ARTIFACT: dict[str, Any] = {
    "id": SOME_ID,
    "kind": "LETTER",
    "instance_id": OTHER_ID,
    "student_id": SOME_ID,
    "school_id": OTHER_ID,
    "guardian_id": SOME_ID,
    "stage_key": "letter-1",
    "template_id": OTHER_ID,
    "template_version": 1,
    "language": "en",
    "sha256": "0" * 64,
    "stored_sha256": "f" * 64,
    "size_bytes": 31744,
    "pages": 1,
    "engine": "reportlab",
    "generated_at": "2026-11-20T09:30:12Z",
    "superseded_by": None,
    "rescinded_at": None,
}


class ArtifactOut(Body):
    """One stored document: `sha256` is the document's own, `stored_sha256` that of the sealed object."""

    model_config = shown(_ARTIFACT)

    id: UUID
    kind: str
    instance_id: UUID | None
    student_id: UUID
    school_id: UUID
    guardian_id: UUID | None
    stage_key: str | None
    template_id: UUID | None
    template_version: int | None
    language: str
    sha256: str
    stored_sha256: str
    size_bytes: int
    pages: int
    engine: str
    generated_at: datetime
    superseded_by: UUID | None
    rescinded_at: datetime | None


class VerificationOut(Body):
    """Whether the stored object, and the document sealed in it, still are what was recorded."""

    model_config = shown(
        {"artifact_id": SOME_ID, "verified": True, "sha256": "0" * 64, "stored_sha256": "f" * 64, "problem": ""}
    )

    artifact_id: UUID
    verified: bool
    sha256: str
    stored_sha256: str
    problem: str


class GenerateIn(Body):
    """A letter to one entitled guardian, written by hand: stored, not sent."""

    model_config = shown(
        {"student_id": SOME_ID, "school_id": OTHER_ID, "guardian_id": SOME_ID, "template": "LETTER_1_ATTENDANCE"}
    )

    student_id: UUID
    school_id: UUID
    guardian_id: UUID
    template: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    values: Annotated[dict[str, Any], Field(max_length=60)] = Field(
        default_factory=dict, description="Merge fields that the case cannot fill."
    )


class PreviewIn(Body):
    """Which language to draw, and values instead of the samples."""

    model_config = shown({"language": "en", "values": {"student_first_name": "Aoife"}})

    language: Annotated[str | None, Field(max_length=20)] = None
    values: Annotated[dict[str, Any], Field(max_length=60)] = Field(default_factory=dict)
