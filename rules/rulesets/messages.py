"""What explanations say, by language: one catalogue of sentences each, plural forms by CLDR, with English behind it.

Numbers and days are always said in digits of the Latin script, so that staff who share a screen read the same figures.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final, Literal

from babel import Locale

Catalogue = Mapping[str, str]
Language = Literal["en", "ga", "es", "pl", "ar"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ga", "es", "pl", "ar")
SOURCE: Final[Language] = "en"
_FOLDER: Final = Path(__file__).parent / "catalogues"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A language's sentences, and where they come from: `source`, `machine` or `human_checked`."""

    provenance: str
    messages: Catalogue


def _read(language: str) -> Spoken:
    held = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return Spoken(held["provenance"], held["messages"])


CATALOGUES: Final[Mapping[str, Spoken]] = {language: _read(language) for language in LANGUAGES}
ENGLISH: Final = CATALOGUES[SOURCE].messages


def say(language: str, message: str, *, of: Fraction | int | None = None, **values: object) -> str:
    """One sentence, in the plural form for `of` where it has one; what a language lacks is said in English."""
    return _form(language, message, of).format(**values)


def _form(language: str, message: str, of: Fraction | int | None) -> str:
    for tag in dict.fromkeys((language if language in CATALOGUES else SOURCE, SOURCE)):
        spoken = CATALOGUES[tag].messages
        forms = [] if of is None else [f"{message}.{plural_of(tag, of)}", f"{message}.other"]
        found = next((spoken[form] for form in (*forms, message) if form in spoken), None)
        if found is not None:
            return found
    raise KeyError(message)


def named(language: str, message: str, otherwise: str) -> str:
    """A name that a language may have of its own; `otherwise` where it has none."""
    spoken = CATALOGUES.get(language, CATALOGUES[SOURCE]).messages
    return spoken.get(message, otherwise)


def plural_of(language: str, amount: Fraction | int) -> str:
    """The CLDR category of an amount as it is said: `zero`, `one`, `two`, `few`, `many` or `other`."""
    category: str = _locale(language).plural_form(Decimal(spoken_number(amount)))
    return category


@cache
def _locale(language: str) -> Locale:
    return Locale(language)


def counted(language: str, word: str, amount: Fraction | int) -> str:
    """The word in the form for an amount."""
    return say(language, word, of=amount)


def spoken_day(language: str, day: date) -> str:
    """A day without its year."""
    return say(language, "day", day=day.day, month=say(language, "months").split()[day.month - 1])


def spoken_number(amount: Fraction | int, places: int = 2) -> str:
    """A number as short as it can be said exactly to some decimal places, half up, with a decimal point."""
    scaled = Fraction(amount) * 10**places
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign, digits = ("-" if rounded < 0 else ""), str(abs(rounded)).zfill(places + 1)
    return sign + f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")


def said_number(language: str, amount: Fraction | int, places: int = 2) -> str:
    """The same number with the language's own decimal sign."""
    sign = _locale(language if language in CATALOGUES else SOURCE).number_symbols["latn"]["decimal"]
    return spoken_number(amount, places).replace(".", sign)
