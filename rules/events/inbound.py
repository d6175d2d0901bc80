"""Events that other systems send: what each must say, and which thing it is about. Ids are those of the source.

An event of a thing that changes carries the whole thing as it is now, so that a lost or repeated one does no harm.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rules.bounds import Instant, shallow

PREFIX: Final = "org.handrail.inbound"
_PLAIN: Final = r"^[^\x00-\x1f\x7f]+$"
SourceId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_PLAIN)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PLAIN)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31))]
Session = Literal["AM", "PM"]
Channel = Literal["email", "post", "sms", "push", "in_app"]


def _local(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day at the school, without an offset")
    return value


Clock = Annotated[time, AfterValidator(_local)]


class Told(BaseModel):
    """The `data` of one inbound event; a field nobody documented is refused, not dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StudentData(Told):
    """A student as the register has them now; what is left out is not known there (any more)."""

    student_id: SourceId
    first_name: Word | None = None
    last_name: Word | None = None
    dob: date | None = None
    year_group: Word | None = None
    class_id: SourceId | None = None
    home_language: Word | None = None
    deleted_at: Instant | None = None


class GuardianData(Told):
    """A guardian as the register has them now."""

    guardian_id: SourceId
    name: Word
    language: Word | None = None
    preferred_channel: Channel | None = None
    opted_out_channels: list[Channel] = Field(max_length=5, description="Never left out: none must be said, too.")
    email: Word | None = None
    phone: Word | None = None
    address: Word | None = None
    unreachable: bool = False


class GuardianLinkData(Told):
    """What a guardian is to a student; on a link that exists it may take an entitlement away, never give one."""

    student_id: SourceId
    guardian_id: SourceId
    relation: Word | None = None
    priority: int | None = Field(None, ge=1, le=99)
    legal_responsibility: bool | None = None
    lives_with: bool | None = None
    receives_letters: bool | None = None


class Span(Told):
    """A stretch on roll, both days inclusive."""

    start_date: Day
    end_date: Day | None = None
    attends: Literal["AM|PM", "AM", "PM"] = "AM|PM"
    registration: Literal["MAIN", "SUBSIDIARY", "GUEST"] = "MAIN"


class EnrolmentData(Told):
    """All stretches of a student at a school; one that is left out never was."""

    student_id: SourceId
    school_id: SourceId
    spans: list[Span] = Field(min_length=1, max_length=50)


class OpenSessionData(Told):
    """A session on which the school is open."""

    date: Day
    session: Session
    minutes: int = Field(180, ge=1, le=600)


class CalendarData(Told):
    """The open sessions of a school between two days; what is not listed is closed."""

    school_id: SourceId
    first: Day
    last: Day
    sessions: list[OpenSessionData] = Field(max_length=800)


class Hours(Told):
    """A stretch of a weekday, 1 being Monday."""

    weekday: int = Field(ge=1, le=7)
    starts: Clock
    ends: Clock

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("ends must be after starts")
        return self


class StaffHoursData(Told):
    """The working week of a member of staff from a day on."""

    staff_id: SourceId
    school_id: SourceId
    valid_from: Day
    valid_to: Day | None = None
    hours: list[Hours] = Field(max_length=50)

    @model_validator(mode="after")
    def _once(self) -> Self:
        if len({(one.weekday, one.starts) for one in self.hours}) < len(self.hours):
            raise ValueError("each stretch of a weekday once")
        return self


class StaffAbsenceData(Told):
    """A member of staff is away on these days; never why."""

    absence_id: SourceId
    staff_id: SourceId
    first_day: Day
    last_day: Day
    starts: Clock | None = None
    ends: Clock | None = None
    cancelled: bool = False

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last_day < self.first_day:
            raise ValueError("last_day must not be before first_day")
        return self


class SectionMeeting(Hours):
    """When and where a section meets each week."""

    room: Word | None = None


class SectionData(Told):
    """A class of the timetable: who teaches it, who sits in it, when it meets."""

    section_id: SourceId
    school_id: SourceId
    name: Word
    course: Word | None = None
    valid_from: Day
    valid_to: Day | None = None
    staff_ids: list[SourceId] = Field(default_factory=list, max_length=50)
    student_ids: list[SourceId] = Field(default_factory=list, max_length=500)
    meetings: list[SectionMeeting] = Field(default_factory=list, max_length=100)
    removed: bool = False


class BehaviourData(Told):
    """One behaviour event of a student, in words of a list; no free text."""

    record_id: SourceId
    student_id: SourceId
    school_id: SourceId
    occurred_at: Instant
    category: Word
    severity: int | None = Field(None, ge=1, le=5)
    points: int | None = Field(None, ge=-1000, le=1000)
    withdrawn: bool = False


class PredictionData(Told):
    """A risk score that a model gave a student: it feeds risk lists and decides nothing."""

    student_id: SourceId
    model: Word
    model_version: Word
    score: Decimal = Field(ge=0, le=1, max_digits=9, decimal_places=8)
    band: Word | None = None
    horizon_days: int | None = Field(None, ge=1, le=1000)
    predicted_at: Instant


class InboundStatus(StrEnum):
    """What became of an inbound event."""

    APPLIED = "APPLIED"
    SUPERSEDED = "SUPERSEDED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """One kind of inbound event. `entity` names the thing; of a thing only news newer than the last is `ordered` in."""

    name: str
    payload: type[Told]
    entity: Callable[[Any], str]
    requirement: str
    ordered: bool = True
    version: int = 1

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return f"{PREFIX}.{self.name}.v{self.version}"


INBOUND: Final = (
    InboundEvent("StudentChanged", StudentData, lambda d: f"students/{d.student_id}", "student"),
    InboundEvent("GuardianChanged", GuardianData, lambda d: f"guardians/{d.guardian_id}", "guardian"),
    InboundEvent(
        "GuardianLinkChanged",
        GuardianLinkData,
        lambda d: f"students/{d.student_id}/guardians/{d.guardian_id}",
        "guardian",
    ),
    InboundEvent(
        "EnrolmentChanged", EnrolmentData, lambda d: f"students/{d.student_id}/schools/{d.school_id}", "student"
    ),
    # two of them may tell of different weeks
    InboundEvent(
        "CalendarChanged", CalendarData, lambda d: f"schools/{d.school_id}/calendar", "calendar", ordered=False
    ),
    InboundEvent(
        "StaffHoursChanged",
        StaffHoursData,
        lambda d: f"staff/{d.staff_id}/schools/{d.school_id}/hours/{d.valid_from}",
        "staff (hours)",
    ),
    InboundEvent("StaffAbsenceChanged", StaffAbsenceData, lambda d: f"absences/{d.absence_id}", "staff (absences)"),
    InboundEvent("SectionChanged", SectionData, lambda d: f"sections/{d.section_id}", "section/timetable"),
    InboundEvent("BehaviourRecorded", BehaviourData, lambda d: f"behaviour/{d.record_id}", "cart-events-enriched"),
    InboundEvent(
        "RiskPredicted",
        PredictionData,
        lambda d: f"students/{d.student_id}/predictions/{d.model}/{d.predicted_at.isoformat()}",
        "prediction-results",
    ),
)
INBOUND_BY_TYPE: Final[Mapping[str, InboundEvent]] = MappingProxyType({event.type: event for event in INBOUND})


def _shallow(data: dict[str, Any]) -> dict[str, Any]:
    if not shallow(data):
        raise ValueError("nested too deeply: no type is")
    return data


_ABOUT_A_STUDENT: Final = re.compile(r"students/(.+?)(?:/(?:guardians|schools|predictions)/.*)?")


def student_named(entity: str) -> str | None:
    """The source's id of the student an entity is about, if it is about one."""
    found = _ABOUT_A_STUDENT.fullmatch(entity)
    return found[1] if found else None


class Envelope(BaseModel):
    """A CloudEvent 1.0 in structured JSON; extensions are let through and not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_PLAIN)]
    type: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PLAIN)]
    time: Instant
    datacontenttype: str = "application/json"
    data: Annotated[dict[str, Any], AfterValidator(_shallow)]
