"""What a rule set holds beside its ladder: duties, watches, citations, items to verify, and where it came from."""

from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from rules.rulesets.conditions import Condition
from rules.rulesets.parameters import Strict, Word

RuleKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Span = Annotated[int, Field(strict=True, ge=0, le=200)]
Authority = Literal["statute", "regulation", "statutory_guidance", "statistic", "policy"]
LAW: Final = frozenset({"statute", "regulation", "statutory_guidance"})
"""The authorities that bind a school; a statistic only names students, a policy is somebody's choice."""


class Deadline(Strict):
    """How long there is, and from what; `starts: event` is the day of the register event."""

    n: Span
    unit: Literal["school_day", "school_week", "working_day", "day", "week", "month"]
    starts: Literal["trip", "event", "school_year_end"] = Field(alias="from")


class Duty(Strict):
    """A deadline set by law, beside any ladder; opened by a condition or a named register event."""

    key: RuleKey
    title: Text | None = None
    when: Condition | None = None
    on_event: Word | None = None
    deadline: Deadline
    effect: Literal["TASK", "REPORT", "BLOCK"]
    """A task for a person, a report to somebody outside the school, or a step that may not be taken meanwhile."""
    recipient: Text | None = None
    """To whom a report goes."""
    authority: Authority = "statute"
    cite: Text


class Watch(Strict):
    """Flags students to staff and starts nothing."""

    key: RuleKey
    when: Condition
    title: Text | None = None
    authority: Authority = "policy"
    cite: Text | None = None


class Citation(Strict):
    """Where a rule is written, where that was read, and when."""

    authority: Authority
    text: Text
    source: Text | None = None
    checked_on: date | None = None


class Unconfirmed(Strict):
    """Shipped but not in force, and why: a duty, a watch or the first day of the whole set; or a note alone.

    Nothing of it is evaluated. A tenant that has confirmed it puts it in force by an override, with its own source.
    """

    key: RuleKey
    note: Text
    duty: Duty | None = None
    watch: Watch | None = None
    effective_from: date | None = None
    names: RuleKey | None = None
    """The duty whose codes or year groups a tenant says in the words of its own register."""

    @property
    def holds_up(self) -> bool:
        """Whether the rule set as a whole waits for it: nobody may act on law whose first day nobody has checked."""
        return self.effective_from is not None


class PackRef(Strict):
    """The shipped rule set that a tenant's own is a layer over, by name and content."""

    name: RuleKey
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Override(Strict):
    """One thing a tenant says differently from the pack: where, what it was, what it is, who, when and why."""

    at: Annotated[str, Field(min_length=1, max_length=200)]
    was: Any = None
    value: Any = None
    reason: Text
    source: Text | None = None
    by: UUID | None = None
    on: date | None = None

    def __hash__(self) -> int:
        """By place and reason: `was` and `value` may be mappings, and a rule set must be able to stand as a key."""
        return hash((self.at, self.reason))
