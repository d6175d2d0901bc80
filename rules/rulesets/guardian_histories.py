"""What an authority has done about each guardian who may be held liable, as rules count it: per guardian and child."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

Dated = tuple[str, date]
"""A kind of event as rules write it, and the day it is dated."""


@dataclass(frozen=True, slots=True)
class LiableGuardian:
    """One guardian of one student while they may be held liable; nobody has said they may not.

    `events` None: the authority's history is not recorded, or no second person has confirmed it. An event that was
    withdrawn is not among them; one that was never paid is.
    """

    guardian_id: str
    first: date | None
    last: date | None
    events: tuple[Dated, ...] | None

    def on(self, day: date) -> bool:
        """Whether they are liable on a day, both ends inclusive."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def histories(guardians: Iterable[LiableGuardian], day: date) -> dict[str, Mapping[str, tuple[date, ...]] | None]:
    """Each guardian who is liable on a day -> kind -> dates, as `CaseFacts.guardian_events` takes it."""
    return {one.guardian_id: _by_kind(one.events) for one in guardians if one.on(day)}


def _by_kind(events: tuple[Dated, ...] | None) -> Mapping[str, tuple[date, ...]] | None:
    if events is None:
        return None
    kinds = dict.fromkeys(kind for kind, _ in events)
    return {kind: tuple(on for told, on in events if told == kind) for kind in kinds}
