"""What is known of one student beside the register, for rules to ask; without numpy, which only a walk needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rules.rulesets.facts import CaseFacts, age_on
from rules.rulesets.guardian_histories import LiableGuardian, histories

Dated = tuple[str, date, date | None]
"""A kind with its first and its last day, both inclusive; no last day while it goes on."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One student as rules see them; what a person enters in a case (reasons, artifacts, events) has not happened."""

    birth_date: date | None = None
    year_group: str | None = None
    care_flags: tuple[Dated, ...] = ()
    exemptions: tuple[Dated, ...] = ()
    """Those of scope `stop`."""
    guardians: tuple[LiableGuardian, ...] = ()
    """Those who may be held liable, each with what an authority has done about them."""

    def on(self, day: date, age: int | None) -> CaseFacts:
        """The facts of a day, `age` school days after the last step."""
        return CaseFacts(
            day=day,
            stage_age=age,
            birth_date=self.birth_date,
            year_group=self.year_group,
            care_flags=frozenset(kind for kind, *span in self.care_flags if _covers(span, day)),
            exemption_active=any(_covers(span, day) for _, *span in self.exemptions),
            reason_accepted=False,
            case_resolved=False,
            artifacts=frozenset(),
            prior_events={},
            guardian_events=histories(self.guardians, day),
        )

    def of_age(self, ages: tuple[int, int], day: date) -> bool:
        """Whether the completed years lie in a scope's limits; not without a birth date."""
        return self.birth_date is not None and ages[0] <= age_on(self.birth_date, day) <= ages[1]


def _covers(span: Sequence[date | None], day: date) -> bool:
    first, last = span
    return first is not None and first <= day and (last is None or day <= last)


NOBODY_KNOWN = Profile()
