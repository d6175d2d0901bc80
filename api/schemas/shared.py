"""What all bodies share: unknown fields are refused, and every body shows an example."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rules.bounds import storable

SOME_ID: Final = "01934f2e-7a00-7000-8000-0000000000a1"
OTHER_ID: Final = "01934f2e-7a00-7000-8000-0000000000b2"
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(description="Why, in a few words; kept in the audit trail."),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from (*_texts(name), *_texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


class Body(BaseModel):
    """A request or answer body; a field nobody documented is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _kept_as_it_is(cls, value: object) -> object:
        if isinstance(value, dict) and not all(map(storable, _texts(value))):
            raise ValueError("a text holds a character that cannot be kept (NUL, or half of one)")
        return value


def shown(*examples: dict[str, Any]) -> ConfigDict:
    """The configuration of a body with its examples, which a test validates against the body itself."""
    return ConfigDict(extra="forbid", from_attributes=True, frozen=True, json_schema_extra={"examples": list(examples)})


class ReasonIn(Body):
    """A decision's reason."""

    model_config = shown({"reason": "Spoke with the family on Monday."})

    reason: Reason
