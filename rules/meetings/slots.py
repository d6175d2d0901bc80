"""Free meeting slots: pure arithmetic over open days, meeting hours and what is already taken."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class MeetingHours:
    """When a school meets families, in its local time; a school sets its own."""

    first: time = time(9, 0)
    last: time = time(16, 30)
    minutes: int = 30

    @property
    def length(self) -> timedelta:
        """How long one meeting takes."""
        return timedelta(minutes=self.minutes)


def slots(days: Iterable[date], hours: MeetingHours, zone: ZoneInfo) -> Iterator[Span]:
    """Every slot of the days in order, as aware UTC instants; clock changes keep the local times."""
    for day in days:
        start = datetime.combine(day, hours.first, zone)
        while (start + hours.length).time() <= hours.last and start.date() == day:
            yield start.astimezone(UTC), (start + hours.length).astimezone(UTC)
            start += hours.length


def free_slots(offered: Iterable[Span], taken: Sequence[Span], not_before: datetime) -> Iterator[Span]:
    """The slots that begin late enough and touch nothing taken."""
    for start, end in offered:
        if start >= not_before and not any(start < busy_end and busy_start < end for busy_start, busy_end in taken):
            yield start, end
