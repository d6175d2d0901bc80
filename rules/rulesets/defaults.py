"""What a rule set holds where it says nothing: when to stop, and how to follow up (ladder.md)."""

from typing import Any, Final

_FAMILY: Final = {"exclude_codes": "CODE_SET"}

STOP: Final[list[dict[str, Any]]] = [
    {
        "key": "improved",
        "when": {
            "all": [
                {"type": "Improvement", "params": {"points": 5, "over_school_days": 20, **_FAMILY}},
                {
                    "not": {
                        "type": "AbsenceCountThreshold",
                        "params": {"count": 0.5, "window": 10, "unit": "SCHOOL", **_FAMILY},
                    }
                },
            ]
        },
        "then": "EXIT_REVIEW",
    },
    {"key": "exempt", "when": {"type": "ExemptionActive"}, "then": "STOPPED"},
    {"key": "reason-accepted", "when": {"type": "GuardianReasonAccepted"}, "then": "STOPPED"},
    {"key": "case-resolved", "when": {"type": "CaseResolved"}, "then": "STOPPED"},
]

FOLLOW_UP: Final[dict[str, Any]] = {
    "weeks": 6,
    "check": "WEEKLY",
    "relapse": {"type": "AbsenceCountThreshold", "params": {"count": 2, "window": 10, "unit": "SCHOOL", **_FAMILY}},
}
