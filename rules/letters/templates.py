"""The starter templates that ship with Handrail: a tenant copies them, changes them and approves its own."""

import json
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rules.errors import NotFound
from rules.letters.blocks import LetterDocument
from rules.letters.parsing import parse_template

FOLDER = Path(__file__).with_name("templates")


class TemplatePurpose(StrEnum):
    """What a letter is for; the approval gate and the sending rules ask it."""

    STATUTORY = "statutory"
    SUPPORTIVE = "supportive"
    INVITATION = "invitation"
    CELEBRATION = "celebration"
    RESCISSION = "rescission"


class StarterTemplate(BaseModel):
    """One template file: what a row of letter_template and of its first version is made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    purpose: TemplatePurpose
    title: str
    language: str
    subject: str
    body: str
    merge_field_schema: dict[str, Any] = Field(alias="schema", default_factory=dict)

    def parsed(self) -> LetterDocument:
        return parse_template(self.body, title=self.title, language=self.language, schema=self.merge_field_schema)


@lru_cache(maxsize=1)
def starter_templates() -> tuple[StarterTemplate, ...]:
    """All of them, by key."""
    files = sorted(FOLDER.glob("*.json"))
    return tuple(_read(json.loads(file.read_text("utf-8"))) for file in files)


def starter_template(key: str) -> StarterTemplate:
    for template in starter_templates():
        if template.key == key:
            return template
    known = ", ".join(template.key for template in starter_templates())
    raise NotFound("template_not_found", f"There is no starter template {key}; there are {known}.")


def _read(document: dict[str, Any]) -> StarterTemplate:
    """In the file a body is a list of lines, so that a change reads line by line in a review."""
    return StarterTemplate.model_validate({**document, "body": "\n".join(document["body"])})
