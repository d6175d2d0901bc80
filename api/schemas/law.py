"""The law behind a rule set as the API shows it: sources, what nobody has confirmed, what a tenant says differently."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from api.schemas.shared import OTHER_ID, Body, shown
from rules.rulesets.law import Authority

CITED: dict[str, Any] = {
    "authority": "statute",
    "text": "EC 48260.5",
    "source": "California Education Code, as in force from 1 July 2025",
    "checked_on": "2026-11-21",
}
WAITS: dict[str, Any] = {"key": "report-2", "note": "48261: the wording is to be confirmed.", "bars_activation": False}
DIFFERS: dict[str, Any] = {
    "at": "stages/letter-2/wait_school_days",
    "was": 10,
    "value": 5,
    "reason": "Agreed with the board.",
    "source": None,
    "by": OTHER_ID,
    "on": "2026-11-22",
}


class SourceOut(Body):
    """Where a rule is written, where that was read, and when."""

    model_config = shown(CITED)

    authority: Authority
    text: str
    source: str | None
    checked_on: date | None = Field(description="Null: nobody has checked it.")


class UnconfirmedOut(Body):
    """Shipped but not in force, and why."""

    model_config = shown(WAITS)

    key: str
    note: str
    bars_activation: bool = Field(description="The whole rule set waits for it.")


class OverrideOut(Body):
    """One thing a tenant says differently from the pack."""

    model_config = shown(DIFFERS)

    at: str
    was: Any
    value: Any
    reason: str
    source: str | None
    by: UUID | None = Field(description="The person who said it; null for the machine.")
    on: date | None


class LawOut(Body):
    """What stands behind a rule set."""

    model_config = shown({"pack": "us-ca", "sources": [CITED], "unconfirmed": [WAITS], "overrides": [DIFFERS]})

    pack: str | None = Field(description="The shipped pack it is a layer over.")
    sources: list[SourceOut]
    unconfirmed: list[UnconfirmedOut]
    overrides: list[OverrideOut]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From a stored document, in which what has its default is left out."""
        blank = {"source": None, "checked_on": None, "was": None, "value": None, "by": None, "on": None}
        sources = [{**_part(blank, SourceOut), **one} for one in document.get("citations", [])]
        overrides = [{**_part(blank, OverrideOut), **one} for one in document.get("overrides", [])]
        unconfirmed = [
            {"key": one["key"], "note": one["note"], "bars_activation": "effective_from" in one}
            for one in document.get("verify", [])
        ]
        pack = document.get("pack")
        told = {"sources": sources, "unconfirmed": unconfirmed, "overrides": overrides}
        return cls.model_validate({"pack": pack["name"] if pack else None, **told})


def _part(blank: Mapping[str, None], kind: type[Body]) -> dict[str, None]:
    return {name: value for name, value in blank.items() if name in kind.model_fields}
