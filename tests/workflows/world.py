"""The world the fake ports look at: a calendar, one student's absences, the family, and switches to break things."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4, uuid5

from rules.ids import GuardianId
from rules.ladder.commands import DeliveryState
from rules.ladder.state import Pause

THRESHOLD = 5


def guardian(number: int) -> GuardianId:
    return GuardianId(UUID(int=number))


MOTHER, FATHER = guardian(1), guardian(2)


@dataclass
class Calendar:
    """Weekdays are open but for `closed` days; everything at UTC."""

    closed: set[date] = field(default_factory=set)

    def is_open(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.closed

    def close(self, first: date, last: date) -> None:
        self.closed |= {first + timedelta(n) for n in range((last - first).days + 1)}

    def add(self, day: date, school_days: int) -> date:
        if school_days == 0 and self.is_open(day):
            return day
        left = max(school_days, 1)
        while left:
            day += timedelta(1)
            left -= self.is_open(day)
        return day

    def week_after(self, day: date) -> tuple[date, date]:
        monday = day - timedelta(day.weekday()) + timedelta(7)
        while not any(self.is_open(monday + timedelta(n)) for n in range(7)):
            monday += timedelta(7)
        return monday, monday + timedelta(6)

    def possible(self, first: date, last: date) -> int:
        days = (first + timedelta(n) for n in range((last - first).days + 1))
        return 2 * sum(self.is_open(day) for day in days)


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass
class World:
    """What is true now. Tests change it and then tell the case that something changed."""

    calendar: Calendar = field(default_factory=Calendar)
    absences: int = THRESHOLD
    corrected: int = 0
    new_absence: bool = True
    true_stops: dict[str, str] = field(default_factory=dict)
    escalate_to: str | None = None
    engines_differ: bool = False
    automatic: bool = False
    contact_stop: bool = False
    pauses: tuple[Pause, ...] = ()
    sending: bool = True
    entitled: tuple[GuardianId, ...] = (MOTHER,)
    deliveries: dict[GuardianId, DeliveryState] = field(default_factory=dict)
    slot_in_school_days: int | None = 3
    invitations_arrive: bool = True
    plan_id: UUID = field(default_factory=uuid4)
    relapse_weeks: set[int] = field(default_factory=set)
    weeks_seen: int = 0
    ladder_there: bool = False
    broken: dict[str, str] = field(default_factory=dict)
    meetings: list[UUID] = field(default_factory=list)
    gates: dict[str, tuple[asyncio.Event, asyncio.Event]] = field(default_factory=dict)

    def referral_of(self, guardian_id: GuardianId) -> UUID:
        """The referral that one guardian gets."""
        return uuid5(self.plan_id, str(guardian_id))

    def shut(self, effect: str) -> None:
        """That effect now runs until it is let go."""
        self.gates[effect] = (asyncio.Event(), asyncio.Event())

    async def running(self, effect: str) -> None:
        await self.gates[effect][0].wait()

    def let_go(self, effect: str) -> None:
        self.gates.pop(effect)[1].set()

    async def gate(self, effect: str) -> None:
        if effect in self.gates:
            arrived, opened = self.gates[effect]
            arrived.set()
            await opened.wait()

    def new_meeting(self) -> UUID:
        self.meetings.append(uuid4())
        return self.meetings[-1]
