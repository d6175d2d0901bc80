"""What all bodies share: unknown fields are refused, and every body shows an example."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A request or answer body; a field nobody documented is an error, not a silence."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True)


def shown(*examples: dict[str, Any]) -> ConfigDict:
    """The configuration of a body with its examples, which a test validates against the body itself."""
    return ConfigDict(extra="forbid", from_attributes=True, frozen=True, json_schema_extra={"examples": list(examples)})
