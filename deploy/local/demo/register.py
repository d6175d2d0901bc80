"""A realistic register: who is absent when, with which code, and what was only corrected days later.

The figures are national year-to-date rates for 2025/26 by register code, in percent of possible sessions (DfE, "Pupil
attendance in schools", from dfe-analytical-services/attendance-data-dashboard, data/EES_ytd_data.csv of 2026-07-23).
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from deploy.local.demo.chance import Chance
from deploy.local.demo.people import Phase, School, Student

AM, PM = 0, 1
SESSION_NAMES = ("AM", "PM")
PRESENT_CODES = ("/", "\\")
EXPLAINED = ("I", "C", "O", "G")


@dataclass(frozen=True)
class Rates:
    """One phase: percent of sessions per code, and the gamma shapes that spread them over students."""

    illness: float
    unexplained: float
    leave: float
    appointment: float
    suspended: float
    part_time: float
    family_holiday: float
    late: float
    after_close: float
    illness_shape: float
    unexplained_shape: float


# illness I; unexplained O and N; leave C; appointment M; suspended E; part_time C2; family_holiday G; late L;
# after_close U. The shapes were fitted so that the share of persistent absentees comes out as published too.
RATES = {
    Phase.PRIMARY: Rates(2.79, 0.84, 0.40, 0.27, 0.04, 0.17, 0.53, 1.12, 0.17, 1.3, 0.35),
    Phase.SECONDARY: Rates(3.63, 2.66, 0.43, 0.38, 0.29, 0.32, 0.31, 2.79, 0.30, 0.9, 0.14),
    Phase.SPECIAL: Rates(5.02, 2.87, 1.70, 1.02, 0.17, 1.59, 0.41, 0.77, 0.32, 0.7, 0.2),
}
# Lengths in half days. Most illness lasts one or two days; a little of it fortnights.
ILLNESS_LENGTHS = ((1, 0.10), (2, 0.44), (4, 0.22), (6, 0.10), (8, 0.05), (10, 0.06), (20, 0.02), (30, 0.01))
CUT_SHORT = 1.07  # spells that run into a school holiday lose their end
UNEXPLAINED_LENGTHS = ((1, 0.45), (2, 0.40), (4, 0.10), (6, 0.03), (10, 0.02))
LEAVE_LENGTHS = ((1, 0.2), (2, 0.5), (4, 0.3))
SUSPENDED_LENGTHS = ((2, 0.5), (4, 0.3), (6, 0.2))
HOLIDAY_DAYS = ((3, 0.2), (4, 0.2), (5, 0.4), (7, 0.1), (10, 0.1))
# Monday to Friday, as in the published daily rates of September 2025 (primary: 3.89 3.63 3.50 3.64 4.36).
WEEKDAY = (1.07, 0.93, 0.91, 0.94, 1.15)
EID_AL_FITR, LUNAR_YEAR_DAYS = date(2026, 3, 20), 354.367


@dataclass
class Attendance:
    """What differs from plain presence for one student at one school; days are indexes into the school's past days.

    `codes` holds the final code of (day, session); `first_codes` what was entered on the day where that differed;
    `amended_on` the day on which the correction was entered. A correction still to come has `first_codes` only.
    """

    codes: dict[tuple[int, int], str] = field(default_factory=dict)
    first_codes: dict[tuple[int, int], str] = field(default_factory=dict)
    amended_on: dict[tuple[int, int], int] = field(default_factory=dict)
    minutes_late: dict[tuple[int, int], int] = field(default_factory=dict)

    def put(self, day: int, session: int, code: str) -> None:
        self.codes.setdefault((day, session), code)


@dataclass(frozen=True)
class Kind:
    """A kind of absence spell: its code, chance per half day (before season) and lengths in half days."""

    code: str
    rate: float
    lengths: tuple[tuple[int, float], ...]

    def starts(self) -> float:
        """Chance of a spell beginning on a given day so that its sessions come to `rate` in the long run."""
        mean = sum(length * weight for length, weight in self.lengths) / sum(weight for _, weight in self.lengths)
        return 2 * self.rate / mean


@dataclass(frozen=True)
class Propensity:
    """How often this student is ill, unexplained or late, beside an average of 1."""

    illness: float
    unexplained: float
    late: float
    part_time: bool


def propensities(chance: Chance, school: School, count: int) -> list[Propensity]:
    """Evenly spread over the school's students; those ill more often tend also to be absent without explanation."""
    rates = RATES[school.phase]
    illness = chance.gamma_strata(rates.illness_shape, count)
    unexplained = chance.gamma_strata(rates.unexplained_shape, count)
    late = chance.gamma_strata(0.45, count)
    by_late = sorted(range(count), key=lambda i: i / count + 0.9 * chance.random())
    by_unexplained = sorted(range(count), key=lambda i: i / count + 0.5 * chance.random())
    part_time = set(chance.sample(range(count), round(count * rates.part_time / 50)))
    late_of = {student: late[position] for position, student in enumerate(by_late)}
    gone_of = {student: unexplained[position] for position, student in enumerate(by_unexplained)}
    found = [Propensity(illness[i], gone_of[i], late_of[i], i in part_time) for i in range(count)]
    chance.shuffle(found)
    return found


def season(days: tuple[date, ...]) -> list[float]:
    """Illness through the year: low in September, highest in December and January; about 1 over a whole year."""
    winter = []
    for day in days:
        from_peak = abs((day - date(day.year if day.month >= 7 else day.year - 1, 12, 15)).days)
        winter.append(0.80 + 0.75 * 2 ** -((from_peak / 38) ** 2))
    return winter


def family_holiday(chance: Chance, school: School) -> tuple[date, date]:
    """First and last day away: mostly beside a school holiday, when flights are dearer a week later."""
    days = school.dates.past
    length = chance.weighted(HOLIDAY_DAYS)
    breaks = [i for i in range(1, len(days)) if (days[i] - days[i - 1]).days > 5]
    if breaks and chance.happens(0.6):
        edge = chance.choice(breaks)
        first = max(0, edge - length) if chance.happens(0.5) else edge
    else:
        first = chance.randrange(len(days))
    return days[first], days[min(len(days) - 1, first + length - 1)]


def holiday_chance(school: School) -> float:
    """Chance that a family goes away in term in the span of the register, from the rate of code G."""
    mean = sum(days * weight for days, weight in HOLIDAY_DAYS)
    return RATES[school.phase].family_holiday / 100 * len(school.dates.past) / mean


def attend(
    chance: Chance, school: School, student: Student, propensity: Propensity, away: tuple[date, date] | None
) -> Attendance:
    """One student's register at one school, over all past days (enrolment is applied by the writer)."""
    found = Attendance()
    days = school.dates.past
    if away:
        for index, day in enumerate(days):
            if away[0] <= day <= away[1]:
                found.put(index, AM, "G")
                found.put(index, PM, "G")
    _spells(chance, school, propensity, found)
    _eid(days, student, found)
    if propensity.part_time:
        for index in range(len(days)):
            found.put(index, PM, "C2")
    _lateness(chance, school, propensity, found)
    return found


def _spells(chance: Chance, school: School, propensity: Propensity, found: Attendance) -> None:
    rates, days = RATES[school.phase], school.dates.past
    # Days already spent absent cannot start another spell: the most absent need a little more to reach their share.
    share = (propensity.illness * rates.illness + propensity.unexplained * rates.unexplained) / 100
    full = 1 / max(0.4, 1 - 0.6 * share)
    ill = Kind("I", propensity.illness * rates.illness / 100, ILLNESS_LENGTHS).starts() * full * CUT_SHORT
    others = [
        (Kind("O", propensity.unexplained * rates.unexplained / 100, UNEXPLAINED_LENGTHS), True),
        (Kind("E", min(10.0, propensity.unexplained) * rates.suspended / 100, SUSPENDED_LENGTHS), True),
        (Kind("C", rates.leave / 100, LEAVE_LENGTHS), False),
        (Kind("M", rates.appointment / 100, ((1, 1.0),)), False),
    ]
    others_rate = [kind.starts() * (full if driven else 1.0) for kind, driven in others]
    threshold = ill * 1.6 * max(WEEKDAY) + sum(others_rate) * max(WEEKDAY)
    wave = season(days)
    free_from = 0
    for index, day in enumerate(days):
        draw = chance.random()
        if index < free_from or draw > threshold:
            continue
        weekday = WEEKDAY[day.weekday()]
        draw -= ill * wave[index] * weekday
        if draw < 0:
            free_from = _spell(chance, days, index, ("I", chance.weighted(ILLNESS_LENGTHS)), found)
            continue
        for (kind, _), rate in zip(others, others_rate, strict=True):
            draw -= rate * weekday
            if draw < 0:
                free_from = _spell(chance, days, index, (kind.code, chance.weighted(kind.lengths)), found)
                break


def _spell(chance: Chance, days: tuple[date, ...], first: int, what: tuple[str, int], found: Attendance) -> int:
    """Enter one spell, sometimes first as "not yet established" and explained later; the first day after it."""
    code, half_days = what
    index, left = first, half_days
    if half_days == 1:
        found.put(first, PM if chance.happens(0.45) else AM, code)
        left = 0
    while left > 0 and index < len(days) and (index == first or (days[index] - days[index - 1]).days <= 5):
        found.put(index, AM, code)
        if left > 1:
            found.put(index, PM, code)
        left -= 2
        index += 1
    _explain_later(chance, len(days), first, code, found)
    return max(index, first + 1)


def _explain_later(chance: Chance, days: int, first: int, code: str, found: Attendance) -> None:
    if code not in EXPLAINED or not chance.happens(0.45):
        return
    lag = min(10, 1 + int(chance.expovariate(0.6)))
    if chance.happens(0.01):
        lag += 15
    for session in (AM, PM):
        if found.codes.get((first, session)) == code:
            found.first_codes[first, session] = "N"
            if first + lag < days:
                found.amended_on[first, session] = first + lag


def _eid(days: tuple[date, ...], student: Student, found: Attendance) -> None:
    if not student.origin.muslim:
        return
    eids = {EID_AL_FITR + timedelta(days=round(k * LUNAR_YEAR_DAYS)) for k in range(-40, 80)}
    for index, day in enumerate(days):
        if day in eids:
            found.put(index, AM, "R")
            found.put(index, PM, "R")


def _lateness(chance: Chance, school: School, propensity: Propensity, found: Attendance) -> None:
    rates = RATES[school.phase]
    attended = 1.08
    morning = min(0.7, propensity.late * rates.late / 100 * 1.6 * attended)
    afternoon = min(0.5, propensity.late * rates.late / 100 * 0.4 * attended)
    closed = min(0.2, propensity.late * rates.after_close / 100 * 2 * attended)
    for index in range(len(school.dates.past)):
        draw = chance.random()
        if draw < closed:
            code, session = "U", AM
        elif draw < closed + morning:
            code, session = "L", AM
        elif draw < closed + morning + afternoon:
            code, session = "L", PM
        else:
            continue
        if (index, session) not in found.codes:
            found.put(index, session, code)
            found.minutes_late[index, session] = chance.randint(35, 90) if code == "U" else chance.randint(3, 25)
