"""A condition in words, as it is written rather than as it turned out: for checks and differences of versions."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rules.rulesets.conditions import AnyOf, Condition, NotOf, children
from rules.rulesets.metrics import CODE_SET
from rules.rulesets.parameters import Counting, DateSpan, Leaf

_UNITS: Final[Mapping[str, str]] = {
    "CALENDAR": "calendar days",
    "SCHOOL": "school days",
    "WEEKS": "school weeks",
    "MONTHS": "months",
}
_KINDS: Final[Mapping[str, str]] = {"ALL": "", "UNAUTHORISED": "unauthorised ", "AUTHORISED": "authorised "}


def described(tree: Condition | Leaf) -> str:
    """`5 absence days or more in 30 calendar days, and not (an exemption is in force)`."""
    if isinstance(tree, Leaf):
        return leaf_words(tree)
    if isinstance(tree, NotOf):
        return f"not ({described(tree.child)})"
    parts = [described(child) for child in children(tree)]
    if len(parts) == 1:
        return parts[0]
    joint = ", or " if isinstance(tree, AnyOf) else ", and "
    return joint.join(
        f"({part})" if _joined(child) else part for part, child in zip(parts, children(tree), strict=True)
    )


def _joined(tree: Condition | Leaf) -> bool:
    return len(children(tree)) > 1


def leaf_words(leaf: Leaf) -> str:
    """What one leaf asks for, with its codes and schools."""
    params: Any = getattr(leaf, "params", None)
    return f"{_SAID[type(leaf).__name__](params)}{_narrowed(params)}"


def _narrowed(params: Any) -> str:
    """Which sessions count, where not all of one school's do."""
    if not isinstance(params, Counting):
        return ""
    said = f", codes {', '.join(params.codes)} only" if params.codes else ""
    if params.exclude_codes == CODE_SET:
        said += ", without those the school caused"
    elif params.exclude_codes:
        said += f", without codes {', '.join(params.exclude_codes)}"
    return said + (", at all schools here" if params.across == "TENANT" else "")


def _window(params: Any) -> str:
    window = params.window
    if isinstance(window, DateSpan):
        return f"from {window.first} to {window.last}"
    if window == "CONSECUTIVE":
        return "in the present run of absence"
    return "in the school year so far" if window == "YTD" else f"in {window} {_UNITS[params.unit]}"


def _absences(p: Any) -> str:
    unit = "absent half days" if p.count_unit == "SESSIONS" else "absence days"
    return f"{_number(p.count)} {_KINDS[p.kinds]}{unit} or more {_window(p)}"


def _percent(p: Any) -> str:
    limit = "at or below" if p.inclusive else "below"
    guard = f" (after {p.min_school_days} school days)" if p.min_school_days else ""
    return f"attendance {limit} {_number(p.below)} % {_window(p)}{guard}"


def _events(p: Any) -> str:
    within = "in the school year" if p.within == "school_year" else f"in {p.within.value} {p.within.unit}s"
    return f"{p.at_least} earlier {_plain(p.kind)} or more {within}{' per guardian' if p.per == 'guardian' else ''}"


def _number(number: Any) -> str:
    return f"{number.normalize():f}"


def _plain(word: str) -> str:
    return word.replace("_", " ")


_SAID: Final[Mapping[str, Callable[[Any], str]]] = {
    "AbsenceCountThreshold": _absences,
    "AttendancePercentThreshold": _percent,
    "ConsecutiveAbsenceDays": lambda p: f"{p.n} {_KINDS[p.kinds]}absence days or more in a row",
    "TardyCountThreshold": lambda p: f"{p.count} late arrivals or more {_window(p)}",
    "UnauthorisedSessionsThreshold": lambda p: f"{p.sessions} unauthorised half days or more in {p.weeks} school weeks",
    "OccasionCountThreshold": lambda p: (
        f"{p.count} unexcused days or occasions of over {p.over_minutes} minutes or more {_window(p)}"
    ),
    "DaysOrPartsThreshold": lambda p: f"{p.count} days with an unexcused part or more {_window(p)}",
    "HoursMissedThreshold": lambda p: f"{_number(p.hours)} {_KINDS[p.kinds]}hours missed or more {_window(p)}",
    "DateWindow": lambda p: f"the date lies between {p.first} and {p.last}",
    "StageAge": lambda p: f"{p.school_days} school days or more in the stage",
    "NewAbsencesSinceStep": lambda p: f"{p.at_least} {_KINDS[p.kinds]}absent half days or more since the last step",
    "PossibleSessionsSinceStep": lambda p: f"{p.at_least} half days or more to come to since the last step",
    "PriorEvents": _events,
    "Artifact": lambda p: f"{_plain(p.kind)} is {'' if p.done else 'not '}on file",
    "ProtectedStatus": lambda p: f"a care flag is set ({', '.join(map(_plain, p.kinds))})",
    "AgeBetween": lambda p: f"aged {p.from_age} to {p.to_age}",
    "CompulsorySchoolAge": lambda p: f"of compulsory school age in {p.jurisdiction}",
    "YearGroupIn": lambda p: f"in year group {', '.join(p.groups)}",
    "ExemptionActive": lambda _: "an exemption is in force",
    "GuardianReasonAccepted": lambda _: "accepted reasons cover every absence",
    "CaseResolved": lambda _: "the case is resolved",
    "Improvement": lambda p: f"attendance {_number(p.points)} points better over {p.over_school_days} school days",
    "PriorYear": lambda p: f"last school year: {leaf_words(p.leaf)}",
    "MonthsIntoYear": lambda p: f"{p.at_least} full months or more into the school year",
    "ScoreBelow": lambda p: f"{_plain(p.measure)} below {_number(p.value)}",
    "ConsecutiveProficient": lambda p: f"{p.n} proficient sessions or more in a row",
    "GoalReached": lambda p: f"the goal reached for {p.checks} checks or more",
    "FacilitatorRecommends": lambda _: "the facilitator recommends it",
    "TrendBelowAimline": lambda p: (
        f"the latest {p.points} data points below the aimline (of {p.min_points} data points or more)"
    ),
}
