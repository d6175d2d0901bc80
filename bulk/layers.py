"""What one student-day adds to a metric: whole numbers over resolved sessions (attendance.md S5, S7, S9)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bulk.district import NUMBER
from bulk.resolution import States
from bulk.vocabulary import Flags
from rules.attendance.codes import Status, family_exclusions
from rules.attendance.history import DayBasis, SchoolSettings
from rules.rulesets.metrics import CODE_SET, Kinds, Measure, MetricKey

Layer = NDArray[np.int32]

_LATE = NUMBER[Status.LATE]
_AUTHORISED, _UNAUTHORISED, _ABSENT = (
    NUMBER[status] for status in (Status.AUTHORISED_ABSENT, Status.UNAUTHORISED_ABSENT, Status.ABSENT)
)
LAST_POSSIBLE = _ABSENT
HALF_DAYS = 2
SKIPPED, COUNTED, BREAK = 0, 1, 2
"""What a day is to a run of absence days (S5.6)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The sessions as one metric sees them: excluded codes gone, the absences of its kinds and codes marked."""

    states: States
    possible: Flags
    hit: Flags
    missed: Flags
    lateness: Flags
    tardy: Flags
    days_basis: bool
    per_day: int
    over_minutes: int


def _kinds(status: NDArray[np.int8], kinds: Kinds) -> Flags:
    if kinds is Kinds.ALL:
        return (status >= _AUTHORISED) & (status <= _ABSENT)
    return np.equal(status, _AUTHORISED if kinds is Kinds.AUTHORISED else _UNAUTHORISED)


@dataclass(frozen=True, slots=True)
class Lens:
    """A metric key made ready for one school: its code lists as flags per code number."""

    key: MetricKey
    settings: SchoolSettings
    excluded: Flags
    counted: Flags

    @classmethod
    def of(cls, key: MetricKey, settings: SchoolSettings, codes: Sequence[str]) -> "Lens":
        named = set(key.exclude_codes)
        if CODE_SET in named:
            named = (named - {CODE_SET}) | family_exclusions(settings.code_set)
        everything = not key.codes
        return cls(
            key,
            settings,
            np.array([code in named for code in codes], np.bool_),
            np.array([everything or code in key.codes for code in codes], np.bool_),
        )

    def see(self, states: States) -> Seen:
        possible = states.status <= _ABSENT
        eligible = np.ones_like(possible)
        if self.excluded.any():
            eligible &= ~self.excluded[states.code]
        possible &= eligible
        if not self.counted.all():
            eligible &= self.counted[states.code]
        counted = possible & eligible
        measure = self.key.measure
        kinds = Kinds.UNAUTHORISED if measure in _UNAUTHORISED_ONLY else self.key.kinds
        hit = counted & _kinds(states.status, kinds)
        return Seen(
            states,
            possible,
            hit,
            counted if kinds is Kinds.ALL else hit,
            counted & (states.status == _LATE),
            eligible & states.tardy,
            self.settings.day_basis is DayBasis.DAYS_50PCT,
            self.settings.sessions_per_day,
            self.key.over_minutes,
        )

    def layer(self, states: States) -> Layer:
        """What each student-day adds; `states` may have any leading shape."""
        return _LAYERS[self.key.measure](self.see(states))


def _both(flags: Flags) -> Layer:
    """How many of the two half days; of the half days at several schools, where those are pooled."""
    if flags.shape[-1] > HALF_DAYS:
        return np.asarray(flags.sum(axis=-1), np.int32)
    return np.asarray(flags[..., 0].astype(np.int32) + flags[..., 1], np.int32)


def _absent_day(seen: Seen) -> Flags:
    """US federal: absent half the possible sessions or more."""
    possible = _both(seen.possible)
    return (possible > 0) & (2 * _both(seen.hit) >= possible)


def _absent_half_days(seen: Seen) -> Layer:
    if seen.days_basis:
        return 2 * _absent_day(seen).astype(np.int32)
    return np.asarray(_both(seen.hit) * (2 // seen.per_day), np.int32)


def _attended(seen: Seen) -> Layer:
    if seen.days_basis:
        return np.asarray((_both(seen.possible) > 0) & ~_absent_day(seen), np.int32)
    return _both(seen.possible & (seen.states.status <= _LATE))


def _possible(seen: Seen) -> Layer:
    return _possible_days(seen) if seen.days_basis else _both(seen.possible)


def _possible_days(seen: Seen) -> Layer:
    return np.asarray(seen.possible.any(axis=-1), np.int32)


def _run_day(seen: Seen) -> Layer:
    possible = _both(seen.possible)
    whole = _absent_day(seen) if seen.days_basis else (possible > 0) & (_both(seen.hit) == possible)
    return np.where(possible == 0, SKIPPED, np.where(whole, COUNTED, BREAK)).astype(np.int32)


def _late_or_after_close(seen: Seen) -> Layer:
    return _both(seen.lateness | seen.tardy)


def _occasions(seen: Seen) -> Layer:
    """Full unauthorised days once, else sessions missed for longer than the limit (S9.2)."""
    possible, hits = _both(seen.possible), _both(seen.hit)
    long = (seen.hit | seen.lateness) & (seen.states.minutes > seen.over_minutes)
    return np.where((possible > 0) & (hits == possible), 1, _both(long)).astype(np.int32)


def _minutes(seen: Seen) -> Layer:
    """All kinds: whatever was missed of a possible session, also by coming late; else the absences of that kind."""
    minutes = np.where(seen.missed, seen.states.minutes, 0)
    return np.asarray(minutes.sum(axis=-1), np.int32)


_UNAUTHORISED_ONLY = frozenset({Measure.UNAUTHORISED_SESSIONS, Measure.OCCASIONS, Measure.DAYS_OR_PARTS})
_LAYERS: Mapping[Measure, Callable[[Seen], Layer]] = {
    Measure.ABSENT_HALF_DAYS: _absent_half_days,
    Measure.ABSENT_SESSIONS: lambda seen: _both(seen.hit),
    Measure.UNAUTHORISED_SESSIONS: lambda seen: _both(seen.hit),
    Measure.CONSECUTIVE_DAYS: _run_day,
    Measure.LATE_SESSIONS: lambda seen: _both(seen.lateness),
    Measure.LATE_OR_AFTER_CLOSE_SESSIONS: _late_or_after_close,
    Measure.ATTENDED_SESSIONS: _attended,
    Measure.POSSIBLE_SESSIONS: _possible,
    Measure.POSSIBLE_DAYS: _possible_days,
    Measure.COUNTED_SESSIONS: lambda seen: _both(seen.possible),
    Measure.OCCASIONS: _occasions,
    Measure.DAYS_OR_PARTS: lambda seen: np.asarray(seen.hit.any(axis=-1), np.int32),
    Measure.MINUTES_MISSED: _minutes,
}
