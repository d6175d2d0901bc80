"""What a source says of itself, so that nothing is guessed: encoding, date order, zone, column names (SOURCE.json)."""

import codecs
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rules.errors import Invalid


class SourceDeclaration(BaseModel):
    """A declared feed; every field has the meaning of the canonical format when left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    school_id: str = ""
    """The school of every row, where the file has no such column."""
    encoding: str = ""
    """Used only where the bytes are not valid UTF-8."""
    date_order: Literal["YMD", "DMY", "MDY"] = "YMD"
    excel_dates: bool = False
    """Numbers in date columns are Excel serials of the 1900 system."""
    timezone: str = ""
    """IANA zone of the school: dates of rows that give only an instant, and instants without an offset."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Our column name -> the name in the file's header."""
    code_set: str = ""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            if name:
                ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no IANA time zone: write one like Europe/London") from error
        return name

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            if name:
                codecs.lookup(name)
        except LookupError as error:
            raise ValueError(f"{name!r} is no encoding Python knows: write one like windows-1252") from error
        return name


CANONICAL = SourceDeclaration()


def parse_declaration(document: Any) -> SourceDeclaration:
    """Read SOURCE.json's content, or raise Invalid whose fields name each wrong entry."""
    try:
        return SourceDeclaration.model_validate(document)
    except ValidationError as error:
        fields = {".".join(map(str, item["loc"])) or ".": item["msg"] for item in error.errors()}
        raise Invalid("source_declaration", "The source declaration is not valid.", fields=fields) from error
