"""Reasons in the reader's language: every sentence in every catalogue, with the same figures and the right plurals."""

from datetime import date
from fractions import Fraction
from string import Formatter

import pytest

from rules.rulesets.conditions import parse_condition
from rules.rulesets.explanation import Wording, explain
from rules.rulesets.messages import CATALOGUES, ENGLISH, LANGUAGES, counted, say
from rules.rulesets.metrics import MetricKey
from tests.rules.rulesets.test_explanation import PERCENT, said, schooling


def test_a_language_without_a_catalogue_is_told_in_english() -> None:
    assert say("xx", "exemption.yes") == ENGLISH["exemption.yes"]
    tree = parse_condition({"type": "AttendancePercentThreshold", "params": PERCENT})
    values = {MetricKey.parse(text): value for text, value in schooling(94, 103).items()}
    assert explain(tree, values, {}, Wording("xx")) == explain(tree, values, {})


def test_a_sentence_that_no_language_has_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        say("ga", "no such sentence")


FORMS = {"zero", "one", "two", "few", "many", "other"}


def bare(message: str) -> str:
    stem, _, last = message.rpartition(".")
    return stem if last in FORMS else message


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_with_the_same_figures(language: str) -> None:
    spoken = CATALOGUES[language].messages
    assert {bare(message) for message in ENGLISH} == {bare(m) for m in spoken if not m.startswith("leaf.")}
    for message, text in spoken.items():
        if message.startswith("leaf.") or (language == "ar" and bare(message).startswith("window.")):
            continue  # Arabic says one and two of a thing without a figure
        english = next(words for named, words in ENGLISH.items() if bare(named) == bare(message))
        assert places(text) == places(english), message
    assert len(spoken["months"].split()) == 12


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_leaf_has_a_name_where_it_cannot_be_evaluated(language: str) -> None:
    tree = parse_condition({"type": "ConsecutiveAbsenceDays", "params": {"n": 3}})
    (unknown,) = explain(tree, {}, {}, Wording(language))
    assert ("ConsecutiveAbsenceDays" in unknown.sentence) is (language == "en")


def test_only_english_was_written_by_a_person() -> None:
    assert {language: spoken.provenance for language, spoken in CATALOGUES.items()} == {
        "en": "source",
        **dict.fromkeys(("ga", "es", "pl", "ar"), "machine"),
    }


@pytest.mark.parametrize(
    ("language", "half_days", "sentence"),
    [
        ("es", 2, "1 ausencia en 30 días naturales (2 oct - 31 oct); umbral 5; con 4 más se alcanzaría"),
        ("es", 9, "4,5 ausencias en 30 días naturales (2 oct - 31 oct); umbral 5; con 0,5 más se alcanzaría"),
        ("ga", 10, "5 asláithreacht i 30 lá féilire (2 DFómh - 31 DFómh); tairseach 5"),
        ("pl", 10, "5 nieobecności w ciągu 30 dni kalendarzowych (2 paź - 31 paź); próg 5"),
        ("ar", 10, "أيام الغياب: 5 خلال 30 يومًا تقويميًا (2 أكتوبر - 31 أكتوبر)؛ الحد 5"),
    ],
)
def test_the_same_reason_in_the_readers_language(language: str, half_days: int, sentence: str) -> None:
    key = "absent_half_days/calendar:30/all"
    spans = {MetricKey.parse(key): (date(2026, 10, 2), date(2026, 10, 31))}
    wording = {"language": language, "spans": spans}
    assert said("AbsenceCountThreshold", {"count": 5, "window": 30}, {key: half_days}, **wording).sentence == sentence


@pytest.mark.parametrize(
    ("language", "amount", "words"),
    [
        ("pl", 1, "spóźnienie"),
        ("pl", 3, "spóźnienia"),
        ("pl", 5, "spóźnień"),
        ("pl", Fraction(5, 2), "spóźnienia"),
        ("ga", 1, "teacht déanach"),
        ("ga", 8, "dteacht dhéanacha"),
        ("ga", 11, "teacht déanach"),
        ("es", 1, "retraso"),
        ("ar", 2, "مرات التأخر"),
    ],
)
def test_words_take_the_plural_form_of_their_language(language: str, amount: Fraction | int, words: str) -> None:
    assert counted(language, "late", amount) == words
