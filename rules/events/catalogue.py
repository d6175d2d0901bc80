"""Every event that Handrail tells the world: its CloudEvents type, the requirement's name for it, and who emits it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from rules.events import payloads
from rules.events.ladder import MODELS, event_name
from rules.events.payloads import Payload
from rules.ladder.events import EventType

PREFIX: Final = "org.handrail"
PROGRAMMES: Final = "programmes"  # the capability that will emit what nobody emits yet


class Topic(StrEnum):
    """The Kafka topics that events go to; conversions are those that say an outcome was reached."""

    INTERVENTIONS = "intervention-events"
    CONVERSIONS = "conversion-events"


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One kind of event. `requirement` is its name in the requirement documents, `emitted_by` the service, if any."""

    name: str
    payload: type[Payload]
    subject: str
    requirement: str | None = None
    emitted_by: str | None = None
    conversion: bool = False
    version: int = 1

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return f"{PREFIX}.{self.name}.v{self.version}"

    @property
    def says(self) -> str:
        """One sentence for the index."""
        return self.payload.__doc__ or ""

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Everything in one topic, so that a case can be followed in order; outcomes again in their own."""
        return (Topic.INTERVENTIONS, Topic.CONVERSIONS) if self.conversion else (Topic.INTERVENTIONS,)

    def subject_of(self, subject_id: UUID) -> str:
        """The entity the event is about, as the API addresses it."""
        return f"{self.subject}/{subject_id}"


_OUTCOMES: Final = frozenset({EventType.EXIT_CONFIRMED, EventType.COMPLETED, EventType.STOPPED})
_REQUIRED: Final = frozenset(
    {EventType.STAGE_ENTERED, EventType.LETTER_SENT, EventType.STOPPED, EventType.ESCALATED}
)  # named in InterventionEvent.EventType


def _of_ladder(event_type: EventType) -> DomainEvent:
    return DomainEvent(
        event_name(event_type),
        MODELS[event_type],
        "instances",
        requirement=event_type.value if event_type in _REQUIRED else None,
        emitted_by="services/projections.py",
        conversion=event_type in _OUTCOMES,
    )


TIER_ESCALATED: Final = DomainEvent(
    "TierEscalated", payloads.TierEscalatedData, "cases", "TierEscalatedEvent", "services/escalations.py"
)
BREAKER_OPENED: Final = DomainEvent(
    "BreakerOpened", payloads.BreakerOpenedData, "breakers", emitted_by="services/breakers.py"
)
BREAKER_CLOSED: Final = DomainEvent(
    "BreakerClosed", payloads.BreakerClosedData, "breakers", emitted_by="services/breakers.py"
)
DUTY_OPENED: Final = DomainEvent("DutyOpened", payloads.DutyOpenedData, "duties", emitted_by="services/duties.py")
DUTY_CLOSED: Final = DomainEvent("DutyClosed", payloads.DutyClosedData, "duties", emitted_by="services/duties.py")
DUTY_BASIS_LOST: Final = DomainEvent(
    "DutyBasisLost", payloads.DutyBasisLostData, "duties", emitted_by="services/duties.py"
)
DUTY_BASIS_DECIDED: Final = DomainEvent(
    "DutyBasisDecided", payloads.DutyBasisDecidedData, "duties", emitted_by="services/duties.py"
)
OF_DUTIES: Final = (DUTY_OPENED, DUTY_CLOSED, DUTY_BASIS_LOST, DUTY_BASIS_DECIDED)
OF_PROGRAMMES: Final = (
    DomainEvent("InterventionCreated", payloads.InterventionCreatedData, "interventions", "InterventionCreatedEvent"),
    DomainEvent(
        "StudentEnrolledInIntervention",
        payloads.StudentEnrolledInInterventionData,
        "interventions",
        "StudentEnrolledInInterventionEvent, StudentEnrolledEvent",
    ),
    DomainEvent(
        "InterventionAttendanceRecorded",
        payloads.InterventionAttendanceRecordedData,
        "interventions",
        "InterventionAttendanceRecordedEvent",
    ),
    DomainEvent("ProgressNoteAdded", payloads.ProgressNoteAddedData, "interventions", "ProgressNoteAddedEvent"),
    DomainEvent(
        "StudentExitedIntervention",
        payloads.StudentExitedInterventionData,
        "interventions",
        "StudentExitedInterventionEvent",
        conversion=True,
    ),
    DomainEvent(
        "InterventionCompleted",
        payloads.InterventionCompletedData,
        "interventions",
        "InterventionCompletedEvent",
        conversion=True,
    ),
)
OF_LADDER: Final[Mapping[EventType, DomainEvent]] = MappingProxyType({one: _of_ladder(one) for one in EventType})
CATALOGUE: Final = (
    *OF_PROGRAMMES,
    TIER_ESCALATED,
    BREAKER_OPENED,
    BREAKER_CLOSED,
    *OF_DUTIES,
    *OF_LADDER.values(),
)
BY_TYPE: Final[Mapping[str, DomainEvent]] = MappingProxyType({event.type: event for event in CATALOGUE})
