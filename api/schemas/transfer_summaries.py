"""The summary of a student for a school outside the tenant."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Text, shown
from services.transfer_summaries import Made


class TransferSummaryIn(Body):
    """Which school the student leaves, and who is given the summary why; both words are kept in the disclosure log."""

    model_config = shown(
        {
            "school_id": OTHER_ID,
            "recipient": "Hill School, Galway",
            "interest": "The student goes there from Monday; the school asked for the record.",
        }
    )

    school_id: UUID
    recipient: Annotated[Text, Field(max_length=200)]
    interest: Text


class TransferSummaryOut(Body):
    """The stored summary, downloaded as `/letters/artifacts/{artifact_id}`, and its line in the disclosure log."""

    model_config = shown(
        {
            "artifact_id": SOME_ID,
            "disclosure_id": OTHER_ID,
            "student_id": SOME_ID,
            "school_id": OTHER_ID,
            "sha256": "0" * 64,
            "pages": 1,
        }
    )

    artifact_id: UUID
    disclosure_id: UUID
    student_id: UUID
    school_id: UUID
    sha256: str
    pages: int

    @classmethod
    def of(cls, made: Made) -> Self:
        row = made.artifact
        return cls(
            artifact_id=row.id,
            disclosure_id=made.disclosure_id,
            **{name: getattr(row, name) for name in ("student_id", "school_id", "sha256", "pages")},
        )
