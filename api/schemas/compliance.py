"""The compliance report as the API shows it."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.audit import ChainOut
from api.schemas.shared import SOME_ID, Body, shown
from rules.bounds import AnyDay
from services.compliance import Compliance


class ComplianceIn(BaseModel):
    """Which days, which school, in which form."""

    model_config = ConfigDict(extra="forbid")

    first: AnyDay = Field(alias="from", description="First day, in UTC.")
    last: AnyDay = Field(alias="to", description="Last day, in UTC; at most 400 days after the first.")
    school_id: UUID | None = Field(None, description="Left out: all your schools.")
    verify: bool = Field(True, description="Walk the chain of the audit trail for the report; false leaves it out.")
    form: Literal["json", "pdf", "csv"] = Field("json", alias="format")


class OwedOut(Body):
    """A step or a task: since when, due when, by whom and when it was done if it was. It names no student."""

    kind: Literal["step", "task"]
    what: str
    school: str
    who: str
    role: str
    since: date
    due_on: date | None
    done_on: date | None
    days: int
    late_by: int
    instance_id: UUID | None


class TallyOut(Body):
    """One line of a table of counts."""

    name: str
    done: int
    late: int
    without_due: int
    median_days: float


class ComplianceOut(Body):
    """What was done, by whom, within which time; what is open; whether the audit trail is whole."""

    model_config = shown(
        {
            "from_date": "2026-09-01",
            "to_date": "2026-11-20",
            "prepared_at": "2026-11-20T09:30:00Z",
            "by_kind": [{"name": "Letter 1", "done": 12, "late": 1, "without_due": 0, "median_days": 2.0}],
            "by_person": [{"name": "Aoife Byrne", "done": 12, "late": 1, "without_due": 0, "median_days": 2.0}],
            "done": [],
            "open": [
                {
                    "kind": "step",
                    "what": "Letter 1: first letter",
                    "school": "Oak School",
                    "who": "",
                    "role": "",
                    "since": "2026-11-16",
                    "due_on": "2026-11-18",
                    "done_on": None,
                    "days": 4,
                    "late_by": 2,
                    "instance_id": SOME_ID,
                }
            ],
            "chain": None,
        }
    )

    from_date: date
    to_date: date
    prepared_at: datetime
    by_kind: list[TallyOut]
    by_person: list[TallyOut]
    done: list[OwedOut]
    open: list[OwedOut]
    chain: ChainOut | None = Field(description="Null when the chain was not walked.")

    @classmethod
    def of(cls, made: Compliance, most_findings: int) -> Self:
        return cls(
            from_date=made.wanted.first,
            to_date=made.wanted.last,
            prepared_at=made.prepared_at,
            by_kind=[TallyOut.model_validate(one) for one in made.by_kind()],
            by_person=[TallyOut.model_validate(one) for one in made.by_person()],
            done=[OwedOut.model_validate(one) for one in made.done],
            open=[OwedOut.model_validate(one) for one in made.open],
            chain=None if made.chain is None else ChainOut.of(made.chain, most_findings),
        )
