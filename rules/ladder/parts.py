"""What the state is made of: the base of its parts, those of the year's end, and one guardian's referral."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from rules.ids import GuardianId
from rules.ladder.commands import Command
from rules.ladder.words import YearEndChoice


class Part(BaseModel):
    """Base of the state's parts: frozen, changed by `model_copy`."""

    model_config = ConfigDict(frozen=True)

    def but(self, **changes: Any) -> Self:
        """The same with some fields changed."""
        return self.model_copy(update=changes)


class YearEnd(Part):
    """The end of the school year nears: `begins` = first day of the next one, `begins_at` = its start at the school,
    known once people were asked. `settling` = what was chosen is being carried out.
    """

    begins: date
    begins_at: datetime | None = None
    choice: YearEndChoice | None = None
    by: Command | None = None
    settling: bool = False


class NewYear(Part):
    """The school year into which the case was taken. Until `quiet_until` it says too little to judge the case by."""

    began: date
    first_open: date
    quiet_until: datetime


class Referred(Part):
    """One guardian's referral: sent on a day, or left out by a person."""

    id: UUID
    guardian_id: GuardianId
    on: date | None = None
    left_out: bool = False

    @property
    def settled(self) -> bool:
        """Whether a person has sent it or left it out."""
        return self.left_out or self.on is not None


def last_sent(referrals: tuple[Referred, ...]) -> date | None:
    """The day on which the last of them was sent."""
    return max((one.on for one in referrals if one.on), default=None)
