"""A guardian's preferences as the API takes and shows them."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from api.schemas.shared import SOME_ID, Body, Reason, shown
from rules.delivery.channels import Channel

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Need = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_EXAMPLE = {
    "language": "pl",
    "preferred_channel": "POST",
    "opted_out_channels": ["SMS"],
    "access_needs": ["Large print"],
}


class PreferenceFields(Body):
    """In which language and how messages come."""

    language: Language | None = Field(default=None, description="Language tag such as `pl` or `ga-IE`.")
    preferred_channel: Channel | None = Field(
        default=None, description="POST: letters are printed even with an e-mail."
    )
    opted_out_channels: Annotated[tuple[Channel, ...], Field(max_length=5)] = ()
    access_needs: Annotated[tuple[Need, ...], Field(max_length=20)] = ()


class PreferencesIn(PreferenceFields):
    """The preferences from now on, all of them."""

    model_config = shown({**_EXAMPLE, "reason": "Asked for at the school gate."})

    reason: Reason

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.preferred_channel is not None and self.preferred_channel in self.opted_out_channels:
            raise ValueError("preferred_channel is among opted_out_channels: leave it out of one of them")
        if "POST" in self.opted_out_channels:
            raise ValueError("post cannot be declined: it is how a family is reached when all else fails")
        return self


class PreferencesOut(PreferenceFields):
    """The preferences as they stand."""

    model_config = shown({"guardian_id": SOME_ID, **_EXAMPLE})

    guardian_id: UUID
    # as a register wrote it, which may be no tag
    language: str | None = None
