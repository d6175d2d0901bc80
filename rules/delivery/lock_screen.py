"""What anyone may read without unlocking a phone: a neutral line, linted (safeguards.md section 3)."""

import re
from collections.abc import Mapping

from rules.errors import Invalid

ALLOWED = frozenset({"school_name", "school_phone", "link"})
WITH_CONSENT = frozenset({"first_name"})
DEFAULT_SUBJECT = "{school_name}: a message about school for you"
DEFAULT_TEXT = "{school_name}: a message about school for you. {link} or ring {school_phone}."
MEETING_SUMMARY = "{school_name}: meeting at school"
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
TELLING = (
    "absen", "attendan", "truan", "penalt", "court", "fine", "prosecut", "warning", "legal", "tier", "stage",
    "intervention", "programme", "escalat", "sick", "ill", "health", "doctor", "exclu", "welfare", "social work",
)  # fmt: skip
TELLING_WORD = re.compile(rf"\b({'|'.join(TELLING)})\w*", re.IGNORECASE)


def lint(template: str, *, first_name_allowed: bool = False) -> tuple[str, ...]:
    """Why this wording may not stand on a lock screen; empty when it may."""
    allowed = ALLOWED | (WITH_CONSENT if first_name_allowed else frozenset())
    words = PLACEHOLDER.sub(" ", template)
    problems = [f"the field {name!r} is not allowed there" for name in _fields(template) if name not in allowed]
    problems += [f"the word {found.group()!r} says too much" for found in TELLING_WORD.finditer(words)]
    if re.search(r"\d", words):
        problems.append("figures and dates are not allowed there")
    if "{" in words or "}" in words:
        problems.append("a brace has no partner")
    return tuple(problems)


def fill_line(template: str, values: Mapping[str, str], *, first_name_allowed: bool = False) -> str:
    """The filled line, or Invalid("lock_screen_refused") naming everything that may not be there."""
    problems = lint(template, first_name_allowed=first_name_allowed)
    missing = [f"the field {name!r} is missing" for name in _fields(template) if name not in values]
    if problems or missing:
        why = "; ".join([*problems, *missing])
        raise Invalid("lock_screen_refused", f"This line may not stand on a lock screen: {why}.", fields={"line": why})
    return PLACEHOLDER.sub(lambda found: " ".join(values[found[1]].split()), template)


def _fields(template: str) -> list[str]:
    return PLACEHOLDER.findall(template)
