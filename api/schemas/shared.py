"""What all bodies share: unknown fields are refused, and every body shows an example."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SOME_ID: Final = "01934f2e-7a00-7000-8000-0000000000a1"
OTHER_ID: Final = "01934f2e-7a00-7000-8000-0000000000b2"
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(description="Why, in a few words; kept in the audit trail."),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class Body(BaseModel):
    """A request or answer body; a field nobody documented is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True)


def shown(*examples: dict[str, Any]) -> ConfigDict:
    """The configuration of a body with its examples, which a test validates against the body itself."""
    return ConfigDict(extra="forbid", from_attributes=True, frozen=True, json_schema_extra={"examples": list(examples)})


class ReasonIn(Body):
    """A decision's reason."""

    model_config = shown({"reason": "Spoke with the family on Monday."})

    reason: Reason
