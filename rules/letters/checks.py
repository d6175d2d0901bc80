"""The approval gate for wording: what a template must say, must not say, and how long it may be."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.letters.blocks import Element, FilledLetter, LetterDocument
from rules.letters.fields import FieldSpec, FieldType
from rules.letters.filling import fill, merge_fields_used
from rules.letters.reading import plain_text, words_on_first_page
from rules.letters.templates import TemplatePurpose

WORD_LIMIT = 150
SENTENCE_LIMIT = 30
HARSH = ("failure", "fail", "fails", "failed", "offence", "offense", "court", "prosecute", "prosecution", "penalty",
         "truant", "truancy", "punish", "punishment", "blame")  # fmt: skip
UNASKED = frozenset({TemplatePurpose.CELEBRATION, TemplatePurpose.STATUTORY})
SAMPLES = {
    FieldType.TEXT: "Sample", FieldType.PERSON: "Sample", FieldType.SENTENCE: "Sample", FieldType.PHONE: "01 555 0134",
    FieldType.NUMBER: 1, FieldType.DATE: "2026-11-03", FieldType.TIME: "2026-11-03T14:30",
    FieldType.DATES: ["2026-11-03"], FieldType.LINES: ["Sample"],
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing an approver must see; `blocking` findings refuse the approval."""

    code: str
    message: str
    blocking: bool = True


def check_template(
    document: LetterDocument, purpose: TemplatePurpose, *, word_limit: int = WORD_LIMIT
) -> tuple[Finding, ...]:
    """Everything an approver must know about the wording, worst first; unknown fields were refused by the parser."""
    sample = fill(document, {name: _sample(spec) for name, spec in document.fields.items()})
    found = [*_length(sample, word_limit), *_tone(sample, purpose), *_contact(document), *_opening(document, purpose)]
    return tuple(sorted(found, key=lambda finding: not finding.blocking))


def lacking(document: LetterDocument, elements: Iterable[str]) -> list[str]:
    """The elements of a notice that no block of the letter is, whatever its conditions come to."""
    said = {node.says for node in document.blocks if isinstance(node, Element) and node.children}
    return [name for name in elements if name not in said]


def _sample(spec: FieldSpec) -> object:
    return SAMPLES[spec.type]


def _length(sample: FilledLetter, limit: int) -> Iterator[Finding]:
    count = words_on_first_page(sample)
    if count > limit:
        yield Finding("page_one_too_long", f"Page 1 has {count} words; shorten it to {limit}.")
    for sentence in re.split(r"[.!?:]\s", plain_text(sample)):
        words = len(sentence.split())
        if words > SENTENCE_LIMIT:
            start = " ".join(sentence.split()[:5])
            yield Finding("long_sentence", f"'{start} ...' has {words} words; split it.", blocking=False)


def _tone(sample: FilledLetter, purpose: TemplatePurpose) -> Iterator[Finding]:
    if sample.language.split("-")[0] != "en":
        yield Finding("tone_by_person", f"No word list for {sample.language}: a named person checks the tone.", False)
        return
    spoken = set(re.findall(r"[a-z]+", plain_text(sample).lower()))
    harsh = [word for word in HARSH if word in spoken]
    if harsh and purpose is not TemplatePurpose.STATUTORY:
        yield Finding("harsh_words", f"Take out: {', '.join(harsh)}.")


def _contact(document: LetterDocument) -> Iterator[Finding]:
    missing = {"contact_name", "contact_phone"} - merge_fields_used(document)
    if missing:
        yield Finding("no_named_person", f"Name one person with a direct number: add {', '.join(sorted(missing))}.")


def _opening(document: LetterDocument, purpose: TemplatePurpose) -> Iterator[Finding]:
    if purpose in UNASKED:
        return
    blocks = [n for n in document.blocks if isinstance(n, Element) and n.tag != "hr"]
    opening = LetterDocument(document.title, document.language, tuple(blocks[:3]), document.fields)
    if "student_first_name" not in merge_fields_used(opening):
        yield Finding("no_child_in_opening", "Open with the child's first name.")
    sample = fill(opening, {name: _sample(spec) for name, spec in document.fields.items()})
    if document.language.startswith("en") and "help" not in plain_text(sample).lower():
        yield Finding("no_wish_to_help", "Say in the opening that you want to help.")
