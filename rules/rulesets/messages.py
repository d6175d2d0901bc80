"""What explanations say, by language: one catalogue of sentences per language, chosen by tag with English behind it."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Final

Catalogue = Mapping[str, str]

ENGLISH: Final[Catalogue] = {
    "months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "day": "{day} {month}",
    "span": "{first} - {last}",
    "dated": "{window} ({span})",
    "window.calendar": "in {n} calendar days",
    "window.school": "in {n} school days",
    "window.weeks": "in {n} school weeks",
    "window.months": "in {n} months",
    "window.ytd": "in the school year so far",
    "window.dates": "in the set dates",
    "window.run": "in the present run of absence",
    "window.step": "since the last step",
    "across": "{window} at all schools here",
    "count": "{amount} {what} {window}; threshold {threshold}",
    "row": "{amount} {what}; threshold {threshold}",
    "row.dated": "{amount} {what} ({span}); threshold {threshold}",
    "more": "{sentence}; {distance} more would reach it",
    "absence.one": "absence",
    "absence.many": "absences",
    "unauthorised.one": "unauthorised absence",
    "unauthorised.many": "unauthorised absences",
    "authorised.one": "authorised absence",
    "authorised.many": "authorised absences",
    "half_day.one": "half day missed",
    "half_day.many": "half days missed",
    "unauthorised_half_day.one": "unauthorised half day",
    "unauthorised_half_day.many": "unauthorised half days",
    "in_a_row.one": "school day missed in a row",
    "in_a_row.many": "school days missed in a row",
    "late.one": "late arrival",
    "late.many": "late arrivals",
    "occasion.one": "unexcused day or occasion",
    "occasion.many": "unexcused days or occasions",
    "part_day.one": "day with an unexcused part",
    "part_day.many": "days with an unexcused part",
    "hour.one": "hour missed",
    "hour.many": "hours missed",
    "possible.one": "half day to come to",
    "possible.many": "half days to come to",
    "month.one": "full month of the school year",
    "month.many": "full months of the school year",
    "school_day.one": "school day in this stage",
    "school_day.many": "school days in this stage",
    "event.one": "earlier event",
    "event.many": "earlier events",
    "proficient.one": "proficient session in a row",
    "proficient.many": "proficient sessions in a row",
    "goal_check.one": "check in a row with the goal reached",
    "goal_check.many": "checks in a row with the goal reached",
    "below_aimline.one": "latest data point in a row below the aimline",
    "below_aimline.many": "latest data points in a row below the aimline",
    "aimline.too_few": "not evaluated: fewer than {n} data points",
    "score": "{measure}: {score}; threshold below {limit}",
    "facilitator_recommends.yes": "the facilitator recommends it",
    "facilitator_recommends.no": "the facilitator does not recommend it",
    "percent": "{percent} % attended, {step} {below} {limit} %",
    "percent.below": "at below",
    "percent.inclusive": "at or below",
    "percent.step": "threshold",
    "percent.more.one": "{sentence}; {n} more half day would reach it",
    "percent.more.many": "{sentence}; {n} more half days would reach it",
    "percent.too_few": "not evaluated: fewer than {n} school days so far",
    "improved": "{points} points better over {n} school days (from {then} % to {now} %); threshold {limit}",
    "improved.too_few": "not evaluated: fewer than {n} half days to compare",
    "dates.inside": "the date lies between {first} and {last}",
    "dates.outside": "the date lies outside {first} to {last}",
    "last_year": "last school year: {sentence}",
    "unknown": "not evaluated: no data for {what}",
    "age": "{amount} years old; from {low} to {high}",
    "exemption.yes": "an exemption is in force",
    "exemption.no": "no exemption is in force",
    "reason_accepted.yes": "accepted reasons cover every absence",
    "reason_accepted.no": "accepted reasons do not cover every absence",
    "case_resolved.yes": "the case is resolved",
    "case_resolved.no": "the case is not resolved",
    "compulsory_age.yes": "of compulsory school age",
    "compulsory_age.no": "not of compulsory school age",
    "year_group.yes": "in one of the year groups",
    "year_group.no": "in none of the year groups",
    "protected.yes": "needs a second look",
    "protected.no": "needs no second look",
    "artifact.yes": "{about} is on file",
    "artifact.no": "{about} is not on file",
    "made_up": "{total}: {parts}",
    "made_up.part": "{n} {kind}",
    "kind.illness": "illness",
    "kind.medical": "medical appointment",
    "kind.holiday": "holiday",
    "kind.leave": "other leave",
    "kind.religious": "religious observance",
    "kind.suspended": "suspended or excluded",
    "kind.not_yet_explained": "not yet explained",
    "kind.after_close": "late after the register closed",
    "kind.unauthorised": "unauthorised",
    "kind.authorised": "authorised",
    "kind.absent": "reason not known",
}

CATALOGUES: Final[Mapping[str, Catalogue]] = {"en": ENGLISH}


def say(language: str, message: str, **values: object) -> str:
    """One sentence; a language or sentence that is missing falls back to English."""
    spoken = CATALOGUES.get(language, ENGLISH).get(message, ENGLISH[message])
    return spoken.format(**values)


def counted(language: str, word: str, amount: Fraction | int) -> str:
    """The word for exactly one, or for any other amount."""
    return say(language, f"{word}.{'one' if amount == 1 else 'many'}")


def spoken_day(language: str, day: date) -> str:
    """A day without its year."""
    return say(language, "day", day=day.day, month=say(language, "months").split()[day.month - 1])


def spoken_number(amount: Fraction | int, places: int = 2) -> str:
    """A number as short as it can be said exactly to some decimal places, half up."""
    scaled = Fraction(amount) * 10**places
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign, digits = ("-" if rounded < 0 else ""), str(abs(rounded)).zfill(places + 1)
    return sign + f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
