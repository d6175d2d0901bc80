"""Evidence packs and the inspection of a record as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, Text, shown
from rules.bounds import AnyDay
from rules.privacy.disclosures import Party
from rules.privacy.packs import PackKind, PackPart

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class PackIn(Body):
    """For whom, about which guardian's dealings, and why; parts are switched on by the safeguarding lead only."""

    model_config = shown(
        {
            "kind": "AUTHORITY_REFERRAL",
            "guardian_id": SOME_ID,
            "recipient": "Educational welfare service, Dublin 8",
            "interest": "The referral of 12 November.",
            "switched_on": {},
            "asked_on": None,
        }
    )

    kind: PackKind
    guardian_id: UUID
    recipient: Annotated[Text, Field(max_length=200)]
    interest: Text
    switched_on: dict[PackPart, Reason] = Field(
        default_factory=dict, description="What is put in although it is left out otherwise, each with its reason."
    )
    asked_on: AnyDay | None = Field(
        default=None, description="The day a family asked to see the record: starts the clock."
    )


class PackOut(Body):
    """A pack and how far it has come; its pages are fetched apart."""

    model_config = shown(
        {
            "id": SOME_ID,
            "student_id": OTHER_ID,
            "school_id": OTHER_ID,
            "case_id": OTHER_ID,
            "kind": "AUTHORITY_REFERRAL",
            "guardian_id": SOME_ID,
            "status": "DRAFT",
            "parts": [],
            "sha256": SHA256,
            "pages": 4,
            "prepared_by": OTHER_ID,
            "prepared_at": "2026-11-20T09:30:00Z",
            "asked_on": None,
            "due_on": None,
            "signed_by": None,
            "released_by": None,
            "released_at": None,
            "expires_at": None,
            "recalled_at": None,
            "to_recall": False,
        }
    )

    id: UUID
    student_id: UUID
    school_id: UUID
    case_id: UUID
    kind: PackKind
    guardian_id: UUID | None
    status: Literal["DRAFT", "SIGNED", "RELEASED", "RECALLED"]
    parts: list[PackPart]
    sha256: str
    pages: int
    prepared_by: UUID | None
    prepared_at: datetime
    asked_on: date | None
    due_on: date | None
    signed_by: UUID | None
    released_by: UUID | None
    released_at: datetime | None
    expires_at: datetime | None
    recalled_at: datetime | None
    to_recall: bool = Field(description="The basis changed after it was drawn: recall it, or it misleads.")


class RecipientOut(Body):
    """Somebody who was given a pack or opened it: outside the school, or staff for one that stays within it."""

    model_config = shown(
        {
            "at": "2026-11-20T09:30:00Z",
            "party": "EDUCATION_AUTHORITY",
            "recipient": "The welfare service of the county",
            "interest": "A referral.",
            "guardian_id": None,
            "released_by": SOME_ID,
            "person_id": None,
        }
    )

    at: datetime
    party: Party | Literal["STAFF"]
    recipient: str = Field(
        description="In the words of whoever prepared it, or the name of staff; empty where an account or link looked."
    )
    interest: str
    guardian_id: UUID | None
    released_by: UUID | None
    person_id: UUID | None = Field(description="The account that opened it, where one did.")


class ReleaseIn(Body):
    """The hash of the pages you have seen."""

    model_config = shown({"sha256": SHA256})

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class InspectionOut(Body):
    """Until when a request made today must be answered under the law of the school, and the family copies there are."""

    model_config = shown(
        {
            "student_id": SOME_ID,
            "regime": "GDPR",
            "due_on": "2026-12-20",
            "cites": ["GDPR Art. 12(3)"],
            "unchecked": ["GDPR Art. 12(3)"],
            "copies": [],
        }
    )

    student_id: UUID
    regime: str
    due_on: date
    cites: list[str]
    unchecked: list[str] = Field(description="Citations that nobody compared with the law itself.")
    copies: list[PackOut]
