"""Events of other systems, kind by kind: what each changes, once, in order, and what is refused and why."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from models.attendance import CalendarSession, CodeMap, Enrolment
from models.audit import AuditEntry
from models.guardians import Guardian, GuardianLink
from models.inbound import (
    BehaviourEvent,
    InboundEvent,
    Prediction,
    Section,
    SectionMeeting,
    SectionMember,
    StaffAbsence,
    StaffHours,
)
from models.people import School
from models.reliability import Outbox
from models.students import Student
from rules.errors import Invalid
from services import inbound
from services.context import system
from services.inbound import MOST, Arrival, Result, Verdict
from tests.servers.kinds import Database
from tests.services.seeding import NOW, Family, World, grace

pytestmark = pytest.mark.servers
SOURCE = "https://mis.example.org"


@pytest.fixture(scope="module")
def world(database: Database) -> Iterator[World]:
    world = World(database)
    yield world
    world.close()


class Source:
    """One other system that tells of one family's district."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.family: Family = world.family(grace())
        self.minutes = 0
        self.school = self._one(School).source_id
        self.student = self._one(Student).source_id
        self.guardian = self._one(Guardian).source_id
        world.run(self._codes())

    async def _codes(self) -> None:
        async with self.world.sessions.tenant(self.family.tenant_id) as session:
            code_set = (await session.scalars(select(School.code_set))).one()
            if await session.scalar(select(CodeMap.code).where(CodeMap.code_set == code_set).limit(1)) is None:
                session.add(CodeMap(code_set=code_set, code="/", status="PRESENT"))

    def _one(self, table: Any) -> Any:
        (row,) = self.world.rows(self.family, table)
        return row

    def event(self, name: str, /, **data: Any) -> dict[str, Any]:
        """An event a minute after the last."""
        self.minutes += 1
        at = NOW - timedelta(hours=1) + timedelta(minutes=self.minutes)
        kind = f"org.handrail.inbound.{name}.v1"
        head = {"specversion": "1.0", "id": uuid4().hex, "source": SOURCE, "type": kind, "time": at.isoformat()}
        return {**head, "data": data}

    def tell(self, *events: Any, now: datetime = NOW) -> list[Verdict]:
        async def told() -> list[Verdict]:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                actor = system(self.family.tenant_id, "relay", "test")
                return await inbound.receive(session, actor, events, Arrival("api", now))

        return self.world.run(told())

    def applied(self, name: str, /, **data: Any) -> None:
        (verdict,) = self.tell(self.event(name, **data))
        assert verdict.result is Result.APPLIED, verdict

    def refused(self, name: str, /, **data: Any) -> Verdict:
        (verdict,) = self.tell(self.event(name, **data))
        assert verdict.result is Result.REFUSED, verdict
        return verdict

    def rows(self, table: Any, *where: Any) -> list[Any]:
        return self.world.rows(self.family, table, *where)

    def column(self, table: Any, order: Any) -> list[Any]:
        async def read() -> list[Any]:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                return list(await session.scalars(select(table).order_by(order)))

        return self.world.run(read())

    def signals(self) -> list[str]:
        rows = self.rows(Outbox, Outbox.kind == "instance.signal")
        return [row.payload["signal"] for row in rows]


@pytest.fixture
def source(world: World) -> Source:
    return Source(world)


def test_a_student_is_made_and_changed(source: Source) -> None:
    source.applied("StudentChanged", student_id="new-1", first_name="Ida", year_group="5", dob="2016-04-01")
    source.applied("StudentChanged", student_id="new-1", first_name="Ida", last_name="Lund", year_group="6")
    (row,) = source.rows(Student, Student.source_id == "new-1")
    assert (row.last_name, row.year_group, row.dob) == ("Lund", "6", None)


def test_a_guardian_and_what_they_are_to_a_student(source: Source) -> None:
    source.applied("GuardianChanged", guardian_id="g-9", name="Jo", email="jo@example.org", opted_out_channels=["sms"])
    link = {"student_id": source.student, "guardian_id": "g-9", "relation": "AUNT"}
    source.applied("GuardianLinkChanged", **link, legal_responsibility=False, receives_letters=False)
    (guardian,) = source.rows(Guardian, Guardian.source_id == "g-9")
    assert (guardian.email, guardian.opted_out_channels) == ("jo@example.org", ["sms"])
    (row,) = source.rows(GuardianLink, GuardianLink.guardian_id == guardian.id)
    assert (row.relationship, row.may_receive_letters) == ("AUNT", False)
    source.applied("GuardianLinkChanged", **link, legal_responsibility=True, receives_letters=True)
    (row,) = source.rows(GuardianLink, GuardianLink.guardian_id == guardian.id)
    assert row.may_receive_letters is False, "an event never gives an entitlement: two people do"


def test_an_enrolment_that_changes_the_past_is_computed_anew_and_the_case_is_told(source: Source) -> None:
    span = {"start_date": "2026-09-01", "end_date": "2026-11-10"}
    assert source.signals() == []
    source.applied("EnrolmentChanged", student_id=source.student, school_id=source.school, spans=[span])
    (row,) = source.rows(Enrolment)
    assert row.end_date == date(2026, 11, 10)
    assert source.signals() == ["attendance_changed"]
    kinds = [row.kind for row in source.rows(Outbox)]
    assert kinds.count("import.finished") == 1, "the nightly pass looks, too"


def test_a_closed_day_is_closed_and_the_case_is_told(source: Source) -> None:
    day = {"first": "2026-11-16", "last": "2026-11-16", "sessions": []}
    assert date(2026, 11, 16) in source.column(CalendarSession.date, CalendarSession.date)
    source.applied("CalendarChanged", school_id=source.school, **day)
    assert date(2026, 11, 16) not in source.column(CalendarSession.date, CalendarSession.date)
    assert "attendance_changed" in source.signals()


def test_the_working_week_of_staff_is_replaced_whole(source: Source) -> None:
    week = {"staff_id": "t-1", "school_id": source.school, "valid_from": "2026-09-01"}
    monday = {"weekday": 1, "starts": "08:00", "ends": "12:00"}
    source.applied("StaffHoursChanged", **week, hours=[monday, {"weekday": 2, "starts": "08:00", "ends": "15:30"}])
    source.applied("StaffHoursChanged", **week, hours=[{**monday, "ends": "13:00"}])
    (row,) = source.rows(StaffHours)
    assert (row.staff_key, row.weekday, row.starts, row.ends) == ("t-1", 1, time(8), time(13))


def test_an_absence_of_staff_is_kept_without_a_reason_and_can_be_cancelled(source: Source) -> None:
    away = {"absence_id": "a-1", "staff_id": "t-1", "first_day": "2026-11-23", "last_day": "2026-11-24"}
    source.applied("StaffAbsenceChanged", **away)
    assert "data.reason" in source.refused("StaffAbsenceChanged", **away, reason="flu").fields
    source.applied("StaffAbsenceChanged", **away, cancelled=True)
    (row,) = source.rows(StaffAbsence)
    assert (row.staff_key, row.first_day, row.cancelled) == ("t-1", date(2026, 11, 23), True)


def test_a_section_of_the_timetable_with_its_people_and_meetings(source: Source) -> None:
    section = {
        "section_id": "5A-MA",
        "school_id": source.school,
        "name": "Mathematics 5A",
        "valid_from": "2026-09-01",
        "staff_ids": ["t-1"],
        "student_ids": [source.student],
        "meetings": [{"weekday": 3, "starts": "09:00", "ends": "10:00", "room": "12"}],
    }
    source.applied("SectionChanged", **section)
    source.applied("SectionChanged", **{**section, "staff_ids": ["t-2"]})
    (row,) = source.rows(Section)
    (meeting,) = source.rows(SectionMeeting)
    members = {(one.staff_key, one.student_id) for one in source.rows(SectionMember)}
    assert (row.name, meeting.section_id, meeting.room) == ("Mathematics 5A", row.id, "12")
    assert members == {("t-2", None), (None, source.family.student_id)}


def test_a_behaviour_event_is_kept_and_can_be_withdrawn(source: Source) -> None:
    said = {"record_id": "b-1", "student_id": source.student, "school_id": source.school}
    said |= {"occurred_at": "2026-11-19T10:00:00Z", "category": "LATE_TO_CLASS", "severity": 1, "points": -1}
    source.applied("BehaviourRecorded", **said)
    assert "data.note" in source.refused("BehaviourRecorded", **said, note="Sam swore").fields
    source.applied("BehaviourRecorded", **said, withdrawn=True)
    (row,) = source.rows(BehaviourEvent)
    assert (row.student_id, row.category, row.withdrawn) == (source.family.student_id, "LATE_TO_CLASS", True)


def test_a_prediction_is_kept_and_decides_nothing(source: Source) -> None:
    said = {"student_id": source.student, "model": "risk", "predicted_at": "2026-11-20T05:00:00Z"}
    source.applied("RiskPredicted", **said, model_version="1", score="0.25")
    source.applied("RiskPredicted", **said, model_version="2", score="0.8125", band="HIGH")
    (row,) = source.rows(Prediction)
    assert (row.score, row.band, row.model_version) == (Decimal("0.8125"), "HIGH", "2")
    assert source.signals() == []
    assert "data.score" in source.refused("RiskPredicted", **said, model_version="2", score="1.5").fields


def test_an_event_sent_again_changes_nothing_and_another_under_its_id_is_refused(source: Source) -> None:
    event = source.event("StudentChanged", student_id="twice", first_name="One")
    assert [source.tell(event)[0].result for _ in range(2)] == [Result.APPLIED, Result.DUPLICATE]
    other = {**event, "data": {"student_id": "twice", "first_name": "Two"}}
    (verdict,) = source.tell(other)
    assert (verdict.result, verdict.code) == (Result.REFUSED, "event_differs")
    (row,) = source.rows(Student, Student.source_id == "twice")
    assert row.first_name == "One"
    both = source.tell(*[source.event("StudentChanged", student_id="batch", first_name="B")] * 2)
    assert [one.result for one in both] == [Result.APPLIED, Result.DUPLICATE]


def test_older_news_of_a_thing_never_overwrites_newer(source: Source) -> None:
    older = source.event("StudentChanged", student_id="late", first_name="Older")
    newer = source.event("StudentChanged", student_id="late", first_name="Newer")
    other = source.event("StudentChanged", student_id="other", first_name="Other")
    results = [one.result for one in source.tell(newer, older, other)]
    assert results == [Result.APPLIED, Result.SUPERSEDED, Result.APPLIED]
    assert [row.first_name for row in source.rows(Student, Student.source_id == "late")] == ["Newer"]


def test_one_that_is_refused_leaves_nothing_behind_and_the_others_alone(source: Source) -> None:
    good = source.event("StudentChanged", student_id="good", first_name="G")
    nobody = source.event("GuardianLinkChanged", student_id="nobody", guardian_id=source.guardian)
    section = {"section_id": "X", "school_id": source.school, "name": "X", "valid_from": "2026-09-01"}
    half = source.event("SectionChanged", **section, student_ids=["nobody"])
    nonsense = source.event("Nonsense")
    unread: list[Any] = [{"id": 1}, "text", nonsense, {**good, "specversion": "0.3"}]
    verdicts = source.tell(nobody, half, *unread, good)
    assert [one.result for one in verdicts] == [Result.REFUSED] * 6 + [Result.APPLIED]
    codes = ["event_refused", "unknown_reference", "event_invalid", "event_invalid", "event_type_unknown"]
    assert [one.code for one in verdicts[:5]] == codes
    assert source.rows(Section) == []
    kept = {row.event_id: row.status for row in source.rows(InboundEvent)}
    refused = dict.fromkeys((nobody["id"], half["id"], nonsense["id"]), "REFUSED")
    assert kept == {**refused, good["id"]: "APPLIED"}


def test_what_was_refused_is_taken_when_it_is_sent_again_and_can_be(source: Source) -> None:
    link = source.event("GuardianLinkChanged", student_id="later", guardian_id=source.guardian)
    assert source.tell(link)[0].result is Result.REFUSED
    source.applied("StudentChanged", student_id="later", first_name="L")
    assert source.tell(link)[0].result is Result.APPLIED
    (row,) = source.rows(InboundEvent, InboundEvent.event_id == link["id"])
    assert (row.status, row.tries, row.code) == ("APPLIED", 2, None)


def test_a_clock_that_runs_ahead_cannot_shut_out_later_news(source: Source) -> None:
    event = source.event("StudentChanged", student_id="ahead", first_name="A")
    event["time"] = (NOW + timedelta(days=400)).isoformat()
    (verdict,) = source.tell(event)
    assert (verdict.result, verdict.code) == (Result.REFUSED, "event_from_the_future")


def test_requests_that_tell_of_the_same_things_at_once_all_succeed(source: Source, world: World) -> None:
    events = [source.event("StudentChanged", student_id=f"race-{n % 3}", first_name=f"N{n}") for n in range(12)]

    async def one(sent: list[Any]) -> list[Verdict]:
        async with world.sessions.tenant(source.family.tenant_id) as session:
            actor = system(source.family.tenant_id, "relay", "test")
            return await inbound.receive(session, actor, sent, Arrival("kafka", NOW))

    async def race() -> tuple[list[Verdict], ...]:
        return await asyncio.gather(one(events), one(events[::-1]), one(events))

    told = [verdict.result for answers in world.run(race()) for verdict in answers]
    assert Result.REFUSED not in told
    assert {row.first_name for row in source.rows(Student, Student.source_id.startswith("race-"))} == {
        "N9",
        "N10",
        "N11",
    }
    assert len(source.rows(InboundEvent)) == 12


def test_what_was_taken_in_is_audited_once_per_request(source: Source) -> None:
    source.tell(*[source.event("StudentChanged", student_id=f"a{n}", first_name="A") for n in range(3)])
    assert [row.verb for row in source.rows(AuditEntry) if row.verb == "receive_events"] == ["receive_events"]


def test_too_many_at_once_are_refused(source: Source) -> None:
    with pytest.raises(Invalid, match=str(MOST)):
        source.tell(*[{}] * (MOST + 1))


@pytest.mark.parametrize("value", ["a\x00b", "", "x" * 201, "\x1b[0m"])
def test_text_that_no_register_holds_is_refused(source: Source, value: str) -> None:
    assert source.refused("StudentChanged", student_id="s", first_name=value).code == "event_data_invalid"


def test_the_events_of_another_tenant_are_another_matter(world: World) -> None:
    ours, theirs = Source(world), Source(world)
    event = ours.event("StudentChanged", student_id="same", first_name="Ours")
    assert ours.tell(event)[0].result is Result.APPLIED
    assert theirs.tell(event)[0].result is Result.APPLIED, "not a duplicate: it is another tenant's"
    ids: list[UUID] = [row.id for who in (ours, theirs) for row in who.rows(Student, Student.source_id == "same")]
    assert len(set(ids)) == 2
