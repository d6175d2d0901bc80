"""Events of other systems as the API takes and answers them."""

from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel

from api.schemas.shared import OTHER_ID, SOME_ID, Body, shown
from models.inbound import InboundEvent
from rules.events.inbound import InboundStatus
from services.inbound import Result, Verdict

EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "2026-11-20/4711",
    "source": "https://predictions.example.org/district",
    "type": "org.handrail.inbound.RiskPredicted.v1",
    "time": "2026-11-20T05:00:00Z",
    "data": {
        "student_id": "S1001",
        "model": "attendance-risk",
        "model_version": "3.2",
        "score": "0.8125",
        "predicted_at": "2026-11-20T05:00:00Z",
    },
}


class InboundIn(RootModel[dict[str, Any] | list[Any]]):
    """One CloudEvent in structured JSON, or a batch of at most 100; docs/events lists the types."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE, [EXAMPLE]]})

    @property
    def single(self) -> bool:
        """Whether one event was sent, and not a batch."""
        return isinstance(self.root, dict)

    @property
    def events(self) -> list[Any]:
        """What was sent, one by one."""
        return [self.root] if isinstance(self.root, dict) else self.root


class VerdictOut(Body):
    """What became of one event."""

    model_config = shown(
        {
            "source": EXAMPLE["source"],
            "id": EXAMPLE["id"],
            "result": "refused",
            "code": "unknown_reference",
            "problem": "The event's student_id is not known here.",
            "fields": {"data.student_id": "nobody here has this id: send the thing itself first, or correct the id"},
        }
    )

    source: str | None
    id: str | None
    result: Result = Field(description="applied; duplicate: it came before; superseded: newer news of the thing came.")
    code: str | None = Field(description="Stable word for why it was refused.")
    problem: str | None
    fields: dict[str, str]

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The answer to one event."""
        return cls(
            source=verdict.source,
            id=verdict.id,
            result=verdict.result,
            code=verdict.code,
            problem=verdict.problem,
            fields=dict(verdict.fields),
        )


class ReceivedOut(Body):
    """What became of each event, in the order they were sent."""

    model_config = shown(
        {
            "results": [
                {
                    "source": EXAMPLE["source"],
                    "id": EXAMPLE["id"],
                    "result": "applied",
                    "code": None,
                    "problem": None,
                    "fields": {},
                }
            ]
        }
    )

    results: list[VerdictOut]


class InboundEventOut(Body):
    """An event that came in."""

    model_config = shown(
        {
            "id": SOME_ID,
            "source": EXAMPLE["source"],
            "event_id": EXAMPLE["id"],
            "type": EXAMPLE["type"],
            "entity": "students/S1001/predictions/attendance-risk/2026-11-20T05:00:00+00:00",
            "time": EXAMPLE["time"],
            "via": "api",
            "status": "APPLIED",
            "code": None,
            "problem": None,
            "tries": 1,
            "received_at": "2026-11-20T05:00:01Z",
            "student_id": OTHER_ID,
        }
    )

    id: UUID
    source: str
    event_id: str
    type: str
    entity: str | None = Field(description="The thing it tells of, by the source's ids.")
    time: datetime
    via: str
    status: InboundStatus
    code: str | None
    problem: str | None
    tries: int
    received_at: datetime
    student_id: UUID | None = Field(description="Our student it is about: what it changed stands in their record.")

    @classmethod
    def of(cls, row: InboundEvent, student_id: UUID | None) -> Self:
        """One event, and whom it is about."""
        kept = {name: getattr(row, name) for name in cls.model_fields if name != "student_id"}
        return cls(**kept, student_id=student_id)
