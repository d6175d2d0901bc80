"""Is a school-day suspect, and what does it look like: a closure, a strike, a feed whose codes mean something else?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final

from rules.breakers.limits import PERCENT, Limits, median, raised, share, spoken_share

MOST: Final = Fraction(1, 2)
NEARLY_ALL: Final = Fraction(4, 5)
WORSE_BY: Final = Fraction(5, PERCENT)
ENOUGH_DAYS: Final = 5


class DayCause(StrEnum):
    """What a suspect day looks like; a person decides what it was."""

    UNMAPPED_CODES = "UNMAPPED_CODES"
    REGISTERS_MISSING = "REGISTERS_MISSING"
    CODE_CHANGED = "CODE_CHANGED"
    NEW_CODE = "NEW_CODE"
    WHOLE_SCHOOL = "WHOLE_SCHOOL"
    WHOLE_CLASSES = "WHOLE_CLASSES"
    SPREAD_OUT = "SPREAD_OUT"


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """One school-day as its register tells it, in sessions; codes by how often they say absent and attended.

    `unmapped` are codes that are in no code map; `classes` holds the possible and the absent sessions of each class.
    """

    day: date
    students: int
    scheduled: int
    taken: int
    possible: int
    absent: int
    absent_codes: Mapping[str, int] = field(default_factory=dict)
    attended_codes: Mapping[str, int] = field(default_factory=dict)
    unmapped: Mapping[str, int] = field(default_factory=dict)
    classes: Sequence[tuple[int, int]] = ()

    @property
    def absent_share(self) -> Fraction:
        """Of the possible sessions."""
        return share(self.absent, self.possible)

    @property
    def complete(self) -> Fraction:
        """The share of scheduled sessions of which the register says something."""
        return share(self.taken, self.scheduled) if self.scheduled else Fraction(1)


@dataclass(frozen=True, slots=True)
class Judging:
    """How a day is measured: against which days, and whether an incomplete register counts against it.

    `unproven`: nobody has let a day of this school pass yet. Its own imported past is no witness then.
    """

    limits: Limits
    before: Sequence[SchoolDay] = ()
    unproven: bool = False
    wants_complete: bool = True


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a day is suspect: the figures, the cause it looks like, and the codes behind it (sensitive, as codes are)."""

    cause: DayCause
    absent_share: Fraction
    limit: Fraction
    usual: Fraction
    complete: Fraction
    code: str = ""
    of_jump: Fraction = Fraction(0)
    classes: int = 0


def judged(day: SchoolDay, how: Judging) -> Suspicion | None:
    """None for an ordinary day. A school of a handful is never judged: one child with a cold is a quarter of it."""
    if day.students < how.limits.fewest_students:
        return None
    before = [one.absent_share for one in how.before]
    usual = median(before)
    limit = raised(
        Fraction(how.limits.absent_percent, PERCENT), [] if how.unproven else before, how.limits.times_median
    )
    if day.absent_share > limit:
        return _jump(day, how, limit, usual)
    if how.wants_complete and day.complete < Fraction(how.limits.complete_percent, PERCENT):
        return _gap(day, limit, usual)
    return None


def another(day: SchoolDay, absent_share: Fraction, complete: Fraction) -> bool:
    """Whether a day is worse than when it was let pass, by five points in a hundred: then it is looked at again."""
    return day.absent_share > absent_share + WORSE_BY or day.complete < complete - WORSE_BY


def _gap(day: SchoolDay, limit: Fraction, usual: Fraction) -> Suspicion:
    unmapped = sum(day.unmapped.values())
    mostly = unmapped > (day.scheduled - day.taken) * MOST
    cause = DayCause.UNMAPPED_CODES if mostly else DayCause.REGISTERS_MISSING
    code = max(day.unmapped, key=lambda one: (day.unmapped[one], one)) if mostly else ""
    return Suspicion(cause, day.absent_share, limit, usual, day.complete, code, share(unmapped, day.scheduled))


def _jump(day: SchoolDay, how: Judging, limit: Fraction, usual: Fraction) -> Suspicion:
    grown = {code: many - _usual_count(code, day, how.before) for code, many in day.absent_codes.items()}
    # many codes that each come and go can all stay below their own medians: then today's own count tells
    more = {code: many for code, many in grown.items() if many > 0} or _counted(day)
    leading = max(more, key=lambda one: (more[one], one))
    of_jump = more[leading] / sum(more.values())
    code = leading if of_jump > MOST else ""
    away = [absent for possible, absent in day.classes if possible and absent >= NEARLY_ALL * possible]
    cause = _cause(day, how.before, code, sum(away))
    classes = len(away) if cause is DayCause.WHOLE_CLASSES else 0
    return Suspicion(cause, day.absent_share, limit, usual, day.complete, code, of_jump, classes)


def _counted(day: SchoolDay) -> dict[str, Fraction]:
    return {code: Fraction(many) for code, many in day.absent_codes.items()}


def _usual_count(code: str, day: SchoolDay, before: Sequence[SchoolDay]) -> Fraction:
    return median([share(one.absent_codes.get(code, 0), one.possible) for one in before]) * day.possible


def _cause(day: SchoolDay, before: Sequence[SchoolDay], leading: str, in_whole_classes: int) -> DayCause:
    if leading and any(one.attended_codes.get(leading) for one in before):
        return DayCause.CODE_CHANGED
    if leading and len(before) >= ENOUGH_DAYS and not any(leading in one.absent_codes for one in before):
        return DayCause.NEW_CODE
    if day.absent_share >= NEARLY_ALL:
        return DayCause.WHOLE_SCHOOL
    return DayCause.WHOLE_CLASSES if in_whole_classes > day.absent * MOST else DayCause.SPREAD_OUT


_LOOKS_LIKE: Final[Mapping[DayCause, str]] = {
    DayCause.UNMAPPED_CODES: "{share} of the sessions carry codes that are in no code map{code}: a mis-mapped feed. "
    "Map the codes; nothing was counted as absence",
    DayCause.REGISTERS_MISSING: "Registers are missing. It clears by itself when they arrive",
    DayCause.CODE_CHANGED: "{jump} of the jump is one code{code} that meant attendance on the days before: "
    "a mis-mapped feed, or a code map that was changed",
    DayCause.NEW_CODE: "{jump} of the jump is one code{code} that stood for no absence on the days before: "
    "a mis-mapped feed, or a new code for a closure",
    DayCause.WHOLE_SCHOOL: "Nearly everybody is absent{code}: a closure (a snow day) entered as absence, "
    "or a feed that sends presence as absence",
    DayCause.WHOLE_CLASSES: "{classes} classes are absent as a whole{code}: a strike, an outing, "
    "or registers that were not taken and entered as absence",
    DayCause.SPREAD_OUT: "The absences are spread over the school{code}: an illness going round, weather, transport",
}


def sentence(found: Suspicion, *, codes: bool) -> str:
    """Figures and cause in words; the register code only for those who may see codes (safeguards.md section 6)."""
    named = f" (code {found.code})" if codes and found.code else ""
    looks = _LOOKS_LIKE[found.cause].format(
        code=named, jump=spoken_share(found.of_jump), share=spoken_share(found.of_jump), classes=found.classes
    )
    return f"{_figures(found)} {looks}."


def _figures(found: Suspicion) -> str:
    if found.cause in {DayCause.UNMAPPED_CODES, DayCause.REGISTERS_MISSING}:
        return f"The register is {spoken_share(found.complete)} complete."
    usual, limit = spoken_share(found.usual), spoken_share(found.limit)
    return f"{spoken_share(found.absent_share)} of the sessions are absences; usual is {usual}, the limit {limit}."
