"""The fairness page as the API shows it."""

from datetime import date, datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.shared import SOME_ID, Body, shown
from rules.bounds import AnyDay
from rules.fairness import Group
from services.fairness import Kind, Page

_SHARE: Final[dict[str, Any]] = {"students": 24, "percent": 12.0, "ratio": 1.5, "low": 1.02, "high": 2.21}
_HIDDEN: Final[dict[str, Any]] = dict.fromkeys(_SHARE)


class FairnessIn(BaseModel):
    """Which months, at which school."""

    model_config = ConfigDict(extra="forbid")

    first: AnyDay = Field(alias="from", description="First day of a month.")
    last: AnyDay = Field(alias="to", description="Last day of a month that has ended; at most 400 days later.")
    school_id: UUID | None = Field(None, description="Left out: all schools, for people of every school only.")


class ShareOut(Body):
    """Of how many students of a group a thing is so; null is hidden, or cannot be said."""

    students: int | None
    percent: float | None = Field(description="Of the group's students on roll.")
    ratio: float | None = Field(description="The group's share over the share of everybody else.")
    low: float | None = Field(description="Lower end of the ratio's 95 % interval.")
    high: float | None = Field(description="Upper end of the ratio's 95 % interval.")


class GroupOut(Body):
    """One group, or everybody."""

    value: str = Field(description="As the register says it; empty: nothing is said.")
    students: int | None = Field(description="On roll in the span; null: hidden.")
    median_days_to_decide: float | None = Field(description="From a step's proposal to a person's decision.")
    shares: dict[str, ShareOut] = Field(
        description="ENTERED a ladder, PROPOSED a step, VETOED (a step was left out), sent a LETTER, EXITED; beside"
        " these each stage type that was reached: CONTACT, LETTER_1, MEETING, ESCALATION, REFERRAL, ..."
    )

    @classmethod
    def of(cls, group: Group, days: float | None) -> Self:
        shares = {what: ShareOut.model_validate(share) for what, share in group.shares.items()}
        return cls(value=group.value, students=group.students, median_days_to_decide=days, shares=shares)


class KindOut(Body):
    """The groups by one kind: school, year_group, home_language, or a protected attribute."""

    by: str
    groups: list[GroupOut]

    @classmethod
    def of(cls, kind: Kind) -> Self:
        return cls(by=kind.by, groups=[GroupOut.of(one, kind.waits.get(one.value)) for one in kind.groups])


class FairnessOut(Body):
    """Whether some groups of students are reached more than others. 1 to 9 are hidden, and what tells them."""

    model_config = shown(
        {
            "from_date": "2026-09-01",
            "to_date": "2026-10-31",
            "school_id": SOME_ID,
            "prepared_at": "2026-11-20T09:30:00Z",
            "everybody": {
                "value": "",
                "students": 412,
                "median_days_to_decide": None,
                "shares": {"ENTERED": {**_HIDDEN, "students": 41, "percent": 10.0}},
            },
            "kinds": [
                {
                    "by": "sex",
                    "groups": [
                        {
                            "value": "F",
                            "students": 200,
                            "median_days_to_decide": 1.5,
                            "shares": {"ENTERED": _SHARE, "REFERRAL": _HIDDEN},
                        }
                    ],
                }
            ],
        }
    )

    from_date: date
    to_date: date
    school_id: UUID | None
    prepared_at: datetime
    everybody: GroupOut
    kinds: list[KindOut] = Field(description="Only kinds with at least two groups.")

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(
            from_date=page.asked.first,
            to_date=page.asked.last,
            school_id=page.asked.school_id,
            prepared_at=page.prepared_at,
            everybody=GroupOut.of(page.everybody, None),
            kinds=[KindOut.of(kind) for kind in page.kinds],
        )
