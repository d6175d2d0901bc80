"""One version of a template in all its languages, as it is stored, and everything an approver must see about it."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from rules.delivery.lock_screen import DEFAULT_SUBJECT, lint
from rules.errors import Invalid
from rules.letters.blocks import LetterDocument
from rules.letters.checks import Finding, check_template
from rules.letters.parsing import parse_template
from rules.letters.templates import TemplatePurpose

CHECKED: Final = "human_checked"  # what rendering asks of a stored translation


class TranslationState(StrEnum):
    """Where a text comes from."""

    SOURCE = "source"
    MACHINE = "machine"
    HUMAN_CHECKED = "human_checked"


class Translation(BaseModel):
    """The template's text in one language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    subject: str = Field(default=DEFAULT_SUBJECT, min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=60_000)
    state: TranslationState = TranslationState.SOURCE


class TemplateText(BaseModel):
    """Every language of a version; exactly one of them is the source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")
    texts: dict[str, Translation]
    merge_field_schema: dict[str, Any] = {}

    @classmethod
    def stored(cls, body: str, translations: Mapping[str, Any], schema: Mapping[str, Any]) -> Self:
        """From a row: the source's body has its own column, all else lies under `translations`."""
        source = next(code for code, one in translations.items() if one["state"] == TranslationState.SOURCE)
        texts = {code: Translation(**({"body": body} | _said(one))) for code, one in translations.items()}
        return cls(language=source, texts=texts, merge_field_schema=dict(schema))

    def row(self) -> tuple[str, dict[str, Any]]:
        """The source's body, and the translations as they are stored."""
        source = self.texts[self.language]
        listed = {
            code: one.model_dump(mode="json") | {CHECKED: one.state is not TranslationState.MACHINE}
            for code, one in self.texts.items()
        }
        del listed[self.language]["body"]
        return source.body, listed

    def best(self, language: str) -> str:
        """The language a guardian gets: their own, its base form, else the source."""
        wanted = (language, language.split("-", maxsplit=1)[0])
        return next((code for code in wanted if code in self.texts), self.language)

    def document(self, language: str) -> LetterDocument:
        """The parsed text in one of its languages."""
        text = self.texts[language]
        return parse_template(text.body, title=text.title, language=language, schema=self.merge_field_schema)


def _said(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stored.items() if name != CHECKED}


def refuse_unreadable(text: TemplateText) -> None:
    """Raise Invalid naming every place, in every language, that cannot be read or may not stand there."""
    problems = dict(_problems(text))
    if problems:
        first = next(iter(problems))
        raise Invalid("template_invalid", f"The template is not accepted: see {first}.", fields=problems)
    for language in text.texts:
        text.document(language)


def _problems(text: TemplateText) -> Iterator[tuple[str, str]]:
    sources = [code for code, one in text.texts.items() if one.state is TranslationState.SOURCE]
    if sources != [text.language]:
        yield "texts", f"exactly one text is the source, that of {text.language}"
    for language, one in text.texts.items():
        for reason in lint(one.subject):
            yield f"texts.{language}.subject", reason


def findings(text: TemplateText, purpose: TemplatePurpose) -> tuple[Finding, ...]:
    """What stands against approval, language by language; blocking ones first."""
    found = list(_all(text, purpose))
    return tuple(sorted(found, key=lambda one: not one.blocking))


def _all(text: TemplateText, purpose: TemplatePurpose) -> Iterator[Finding]:
    for language, one in sorted(text.texts.items()):
        if one.state is TranslationState.MACHINE:
            statutory = purpose is TemplatePurpose.STATUTORY
            yield Finding("machine_translation", f"{language}: a person must check this translation.", statutory)
        for finding in check_template(text.document(language), purpose):
            yield Finding(finding.code, f"{language}: {finding.message}", finding.blocking)
