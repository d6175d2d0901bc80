"""The school year ends: who is asked and when, what is written down, what is summed up, what is not sent any more."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from models.attendance import CalendarSession
from models.delivery import Message
from models.instances import Contact, Event, Instance, Task
from models.reliability import Outbox
from models.year_ends import YearEnd
from rules.errors import Conflict, NotFound
from rules.ids import PersonId
from rules.ladder.commands import Command
from rules.ladder.words import YearEndChoice
from services import year_ends
from services.year_ends import Began, Settle
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers
BEGINS = date(2027, 8, 1)
JUNE = datetime(2027, 6, 21, 5, tzinfo=UTC)
AUGUST = datetime(2027, 7, 31, 23, tzinfo=UTC)
TWENTY_LEFT, ONE_MORE = date(2027, 6, 18), date(2027, 6, 17)


def told(world: World, family: Family, day: date) -> int:
    async def tell() -> int:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await year_ends.tell_nearing(session, [family.instance_id], day)

    return world.run(tell())


def asked(world: World, family: Family, key: str = "w/1", now: datetime = JUNE) -> datetime:
    async def ask() -> datetime:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await year_ends.ask(session, family.case(key, now), BEGINS)

    return world.run(ask())


def settled(world: World, family: Family, choice: YearEndChoice, **wanted: Any) -> Began:
    by = Command(command_id="c", actor_id=PersonId(family.officer_id), role="attendance_officer", reason="because")
    order = Settle(BEGINS, choice, wanted.get("by", by), wanted.get("put_down", True))

    async def settle() -> Began:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await year_ends.settle(session, family.case("w/2", AUGUST), order)

    return world.run(settle())


def new_year(world: World, family: Family, many: int = 12) -> list[date]:
    """Open days of the new year, from its first Wednesday in September on."""
    days = [day for n in range(30) if (day := date(2027, 9, 1) + timedelta(days=n)).weekday() < 5][:many]

    async def write() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add_all(CalendarSession(school_id=family.school_id, date=day, session="AM") for day in days)

    world.run(write())
    return days


def test_a_case_hears_once_from_the_twentieth_school_day_before(world: World) -> None:
    family = world.family()
    assert [told(world, family, day) for day in (ONE_MORE, TWENTY_LEFT, TWENTY_LEFT)] == [0, 1, 0]
    (row,) = world.rows(family, Outbox)
    assert row.payload == {
        "instance_id": str(family.instance_id),
        "signal": "year_ends",
        "argument": {"begins": "2027-08-01"},
    }
    asked(world, family)
    assert told(world, family, date(2027, 7, 1)) == 0
    assert told(world, family, date(2028, 7, 20)) == 1


def test_a_calendar_that_ends_in_winter_and_a_closed_case_say_nothing(world: World) -> None:
    family = world.family()
    late = CalendarSession.date > date(2026, 12, 18)
    world.change(family, update(CalendarSession).where(late).values(date=CalendarSession.date - 3650))
    assert told(world, family, date(2026, 12, 1)) == 0
    assert told(world, family, date(2027, 4, 3)) == 1
    other = world.family()
    world.change(other, update(Instance).values(closed_at=NOW, status="STOPPED", phase="CLOSED"))
    assert told(world, other, TWENTY_LEFT) == 0


def test_whoever_looks_after_the_case_is_asked_once_until_the_last_school_day(world: World) -> None:
    family = world.family()
    begins = datetime(2027, 7, 31, 23, tzinfo=UTC)  # midnight of 1 August in Dublin
    assert asked(world, family) == asked(world, family) == begins
    (row,) = world.rows(family, YearEnd)
    assert (row.begins, row.status, row.decide_by, row.opened_at) == (BEGINS, "PENDING", date(2027, 7, 16), JUNE)
    (task,) = world.rows(family, Task)
    assert (task.kind, task.assignee_id, task.due_on) == ("choose_year_end", family.officer_id, date(2027, 7, 16))


@pytest.mark.parametrize(
    ("now", "by"), [(datetime(2027, 7, 20, 5, tzinfo=UTC), date(2027, 7, 31)), (NOW + timedelta(days=365), None)]
)
def test_after_the_last_school_day_there_is_time_until_the_year_begins(
    world: World, now: datetime, by: date | None
) -> None:
    family = world.family()
    asked(world, family, now=now)
    assert world.rows(family, YearEnd)[0].decide_by == (by or now.date())


def test_reviewed_in_autumn_there_is_a_task_and_nothing_is_sent_any_more(world: World) -> None:
    family = world.family()
    days = new_year(world, family)
    asked(world, family)
    letter = {"kind": "LETTER", "channel": "email", "status": "QUEUED", "dedupe_key": "k"}
    ids = {"instance_id": family.instance_id, "student_id": family.student_id}
    guardian = family.guardians["grace"]

    async def queue() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add(Message(**letter, **ids, guardian_id=guardian))

    world.run(queue())
    began = settled(world, family, YearEndChoice.REVIEW_IN_AUTUMN, by=None)
    assert began == settled(world, family, YearEndChoice.REVIEW_IN_AUTUMN, by=None)
    assert began == Began(days[0], datetime(2027, 9, 7, 23, tzinfo=UTC))
    (row,) = world.rows(family, YearEnd)
    assert (row.status, row.chosen_by, row.settled_at, row.summary) == ("REVIEW_IN_AUTUMN", None, AUGUST, None)
    tasks = {task.kind: (task.status, task.due_on) for task in world.rows(family, Task)}
    assert tasks == {"choose_year_end": ("CANCELLED", date(2027, 7, 16)), "review_in_autumn": ("OPEN", days[9])}
    assert [one.status for one in world.rows(family, Message)] == ["CANCELLED"]


def test_what_is_with_people_is_not_put_down(world: World) -> None:
    family = world.family()
    asked(world, family)
    ids = {"instance_id": family.instance_id, "student_id": family.student_id}
    kept = {"kind": "CELEBRATION", "channel": "email", "status": "QUEUED", "dedupe_key": "k"}

    async def queue() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add(Message(**kept, **ids, guardian_id=family.guardians["grace"]))

    world.run(queue())
    began = settled(world, family, YearEndChoice.CARRY, put_down=False)
    assert began == Began(BEGINS, datetime(2027, 9, 11, 23, tzinfo=UTC))  # without a calendar of the new year
    assert [one.status for one in world.rows(family, Message)] == ["QUEUED"]
    (row,) = world.rows(family, YearEnd)
    assert (row.status, row.chosen_by, row.chosen_role) == ("CARRY", family.officer_id, "attendance_officer")
    assert [(task.kind, task.status) for task in world.rows(family, Task)] == [("choose_year_end", "DONE")]


def test_a_closed_case_leaves_a_summary_of_counts(world: World) -> None:
    family = world.family()
    asked(world, family)
    ids = {"instance_id": family.instance_id, "student_id": family.student_id}
    at = {"school_id": family.school_id, "occurred_at": NOW}

    async def happened() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            session.add_all(
                [
                    Event(**ids, **at, type="STEP_TAKEN", stage_key="letter-1"),
                    Event(**ids, **at, type="STAGE_ENTERED", stage_key="meeting"),
                    Contact(**ids, mode="CALL", reached=True, contacted_at=NOW, said="Secret words"),
                    Contact(**ids, mode="CALL", reached=False, contacted_at=NOW),
                ]
            )

    world.run(happened())
    settled(world, family, YearEndChoice.CLOSE_WITH_SUMMARY, put_down=False)
    (row,) = world.rows(family, YearEnd)
    assert row.summary == {
        "from": "2026-08-01",
        "to": "2027-07-31",
        "steps": ["letter-1"],
        "letters": 0,
        "contacts": 2,
        "contacts_reached": 1,
        "meetings_held": 0,
        "attended_sessions": 2 * 56,
        "possible_sessions": 2 * 59,
    }


def test_it_can_be_chosen_until_it_is_settled(world: World) -> None:
    family = world.family()

    async def choosable() -> YearEnd:
        async with world.sessions.tenant(family.tenant_id) as session:
            instance = await session.get_one(Instance, family.instance_id)
            return await year_ends.choosable(session, instance)

    with pytest.raises(NotFound):
        world.run(choosable())
    asked(world, family)
    assert world.run(choosable()).begins == BEGINS
    settled(world, family, YearEndChoice.CARRY)
    with pytest.raises(Conflict) as refusal:
        world.run(choosable())
    assert refusal.value.code == "year_end_settled"
