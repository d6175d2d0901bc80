"""Schools, calendars, students and guardians as the API shows them."""

from datetime import date, time
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, WithJsonSchema

from api.schemas.shared import OTHER_ID, SOME_ID, Body, Reason, shown
from models.students import Student
from rules.bounds import AnyDay
from services.guardian_links import FIELDS, LinkView
from services.people import StudentFile

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class SchoolOut(Body):
    """A school with the settings its attendance arithmetic uses."""

    model_config = shown(
        {
            "id": SOME_ID,
            "source_id": "S01",
            "name": "Oak Primary",
            "phase": "PRIMARY",
            "timezone": "Europe/Dublin",
            "code_set": "UK",
            "missing_mark_policy": "EXCLUDE",
            "sessions_per_day": 2,
            "year_start": "08-01",
            "day_basis": "SESSIONS",
            "evaluate_after": "18:00:00",
        }
    )

    id: UUID
    source_id: str
    name: str
    phase: str | None
    timezone: str
    code_set: str
    missing_mark_policy: str
    sessions_per_day: int
    year_start: str
    day_basis: str
    # no offset: JSON Schema's format "time" demands one
    evaluate_after: Annotated[time, WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d:\d\d"})]


class OpenSession(Body):
    """A session on which the school is open."""

    model_config = shown({"date": "2026-11-20", "session": "AM", "minutes": 180})

    date: date
    session: Literal["AM", "PM"]
    minutes: int = Field(default=180, ge=1, le=600)


class CalendarOut(Body):
    """The open sessions of a school between two dates; a date without sessions is not a school day."""

    model_config = shown(
        {
            "school_id": SOME_ID,
            "from_date": "2026-11-20",
            "to_date": "2026-11-20",
            "sessions": [{"date": "2026-11-20", "session": "AM", "minutes": 180}],
        }
    )

    school_id: UUID
    from_date: date
    to_date: date
    sessions: list[OpenSession]


class CalendarIn(Body):
    """The open sessions between two dates, replacing those that were there; summaries follow by themselves."""

    model_config = shown(
        {
            "from_date": "2026-11-23",
            "to_date": "2026-11-23",
            "sessions": [],
            "reason": "Closed: the heating failed.",
        }
    )

    from_date: AnyDay
    to_date: AnyDay
    sessions: Annotated[list[OpenSession], Field(max_length=1000)]
    reason: Reason


class StudentOut(Body):
    """A student; `second_look` says that a care flag asks for one, never which."""

    model_config = shown(
        {
            "id": SOME_ID,
            "source_id": "P0001",
            "first_name": "Aoife",
            "last_name": "Example",
            "year_group": "5",
            "home_language": "ga",
        }
    )

    id: UUID
    source_id: str
    first_name: str | None
    last_name: str | None
    year_group: str | None
    home_language: str | None

    @classmethod
    def for_family(cls, student: Student, *, hidden: bool) -> Self:
        """`hidden`: a move of year or language tells where a confidential child is, and with whom."""
        shown_whole = cls.model_validate(student)
        return shown_whole.model_copy(update={"year_group": None, "home_language": None}) if hidden else shown_whole


class StudentFileOut(Body):
    """One student with the schools that see them now."""

    model_config = shown(
        {
            "student": {
                "id": SOME_ID,
                "source_id": "P0001",
                "first_name": "Aoife",
                "last_name": "Example",
                "year_group": "5",
                "home_language": "ga",
            },
            "school_ids": [OTHER_ID],
            "second_look": False,
        }
    )

    student: StudentOut
    school_ids: list[UUID]
    second_look: bool = Field(
        description="A care flag asks for a second look: ask the safeguarding lead. Never shown to families."
    )

    @classmethod
    def of(cls, file: StudentFile) -> Self:
        return cls(
            student=StudentOut.model_validate(file.student),
            school_ids=sorted(file.school_ids),
            second_look=file.flagged,
        )

    @classmethod
    def for_family(cls, file: StudentFile, *, hidden: bool) -> Self:
        """What a student or guardian sees: no flag; `hidden` keeps a child's whereabouts from a guardian."""
        return cls(
            student=StudentOut.for_family(file.student, hidden=hidden),
            school_ids=[] if hidden else sorted(file.school_ids),
            second_look=False,
        )


class LinkFields(Body):
    """What this adult is to this student and may know; null in an entitlement means unknown: nothing is sent."""

    relationship: ShortText | None = None
    priority: int | None = Field(default=None, ge=1, le=20)
    parental_responsibility: bool | None = None
    lives_with: bool | None = None
    may_receive_letters: bool | None = None
    may_use_portal: bool | None = None
    may_attend_meetings: bool | None = None
    may_receive_calls: bool | None = None
    may_be_held_liable: bool | None = None
    order_kind: ShortText | None = None
    order_from: date | None = None
    order_to: date | None = None
    order_evidence: ShortText | None = None
    address_confidential: bool = False
    contact_via: Literal["self", "social worker", "carer", "liaison"] = "self"
    valid_to: date | None = None


class LinkIn(LinkFields):
    """The link as it should be; what widens the adult's access waits for a second person."""

    model_config = shown(
        {
            "relationship": "MOTHER",
            "priority": 1,
            "parental_responsibility": True,
            "may_receive_letters": True,
            "reason": "Consent form of 3 November.",
        }
    )

    reason: Reason


_LINK_EXAMPLE: dict[str, Any] = {
    "guardian_id": SOME_ID,
    "name": "Maeve Example",
    "language": "en",
    "email": "maeve@example.org",
    "phone": None,
    "address": None,
    "link": {"relationship": "MOTHER", "may_receive_letters": True},
    "waiting": None,
    "widens": [],
}


class GuardianOut(Body):
    """A guardian of a student: the link in force, and the change that waits for a second person."""

    model_config = shown(_LINK_EXAMPLE)

    guardian_id: UUID
    name: str
    language: str | None
    email: str | None
    phone: str | None
    address: str | None = Field(description="Null when the address is confidential and your role may not see it.")
    link: LinkFields | None
    waiting: LinkFields | None
    widens: list[str] = Field(description="The fields that the waiting change widens.")

    @classmethod
    def of(cls, view: LinkView, *, confidential: bool) -> Self:
        """`confidential`: the caller may see a confidential address."""
        hidden = view.link is not None and view.link.address_confidential and not confidential
        return cls(
            guardian_id=view.guardian.id,
            name=view.guardian.name,
            language=view.guardian.language,
            email=view.guardian.email,
            phone=view.guardian.phone,
            address=None if hidden else view.guardian.address,
            link=_fields(view.link),
            waiting=_fields(view.pending),
            widens=sorted(view.widening),
        )


def _fields(link: object) -> LinkFields | None:
    return None if link is None else LinkFields(**{name: getattr(link, name) for name in FIELDS})


class GuardiansOut(Body):
    """All guardians of a student."""

    model_config = shown({"items": [_LINK_EXAMPLE]})

    items: list[GuardianOut]
