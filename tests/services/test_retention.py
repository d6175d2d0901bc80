"""Retention on a real database: the day of the border stays, the day before goes, and nothing under hold ever."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import func, insert, select, update
from temporalio.client import Client

from deploy.local.postgres import Server
from models.attendance import Enrolment, Mark, SessionFact, Summary
from models.audit import AuditEntry, StudentView
from models.backtests import Backtest, BacktestWalk
from models.erasures import Erasure, LegalHold
from models.imports import ImportRun, QuarantineRow
from models.inbound import BehaviourEvent, InboundEvent, Prediction, StaffAbsence
from models.people import Person, School
from models.reliability import Outbox
from models.retention import RetentionRun
from models.session import Session
from models.students import Student
from models.tenants import Tenant
from models.webhooks import Webhook, WebhookDelivery
from orchestration import retention as carrying
from orchestration.handles import CaseHandles
from rules.errors import Conflict, DomainError, Forbidden, Invalid
from rules.ids import PersonId
from rules.privacy.retention import RecordClass, ends_before
from services import retention
from services.context import Actor
from services.retention import Approve
from tests.servers.kinds import Database, TemporalDev
from tests.services.seeding import Family, World

pytestmark = pytest.mark.servers
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MONTHS = dict.fromkeys(RecordClass, 12) | {RecordClass.REGISTER: 24, RecordClass.STUDENT_RECORD: 24}
BEFORE = ends_before(NOW.date(), 12)
KINDS = (StudentView, BehaviourEvent, Prediction, StaffAbsence, InboundEvent, QuarantineRow, Backtest, WebhookDelivery)
REGISTER = (Mark, SessionFact, Summary)


class Office:
    """A family's tenant whose data protection officer lists and whose administrator approves."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        self.family: Family = world.family()
        self.people = world.run(self._settle())

    async def _settle(self) -> dict[str, UUID]:
        async with self.world.sessions.tenant(self.family.tenant_id) as session:
            made = [Person(subject=name, display_name=name.title()) for name in ("dpo", "admin")]
            session.add_all(made)
            chosen = {"retention": {"months": {one.value: many for one, many in MONTHS.items()}}, "jurisdiction": "IE"}
            await session.execute(update(Tenant).where(Tenant.id == self.family.tenant_id).values(settings=chosen))
            await session.flush()
            return {one.subject: one.id for one in made}

    def actor(self, name: str) -> Actor:
        return Actor(self.family.tenant_id, PersonId(self.people[name]), name, name.title(), "r", "cli")

    def listed(self, now: datetime = NOW) -> RetentionRun:
        async def work() -> RetentionRun:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                return await retention.propose(session, self.actor("dpo"), now=now)

        return self.world.run(work())

    def approved(self, run: RetentionRun, name: str = "admin", sha256: str | None = None) -> RetentionRun:
        async def work() -> RetentionRun:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                command = Approve(run.id, sha256 or run.sha256, "Their time has ended.")
                return await retention.approve(session, self.actor(name), command, now=NOW)

        return self.world.run(work())

    def carried_out(self, run: RetentionRun) -> RetentionRun:
        cases = CaseHandles(self.client)
        work = carrying.carry_out(self.world.sessions, cases, self.actor("dpo"), run.id, now=NOW)
        return self.world.run(work)

    def add(self, *rows: Any) -> None:
        async def work() -> None:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                for row in rows:
                    session.add(row)
                    await session.flush()

        self.world.run(work())

    def count(self, table: Any) -> int:
        async def work() -> int:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                return (await session.execute(select(func.count()).select_from(table))).scalar_one()

        return self.world.run(work())

    def student(self, name: str) -> UUID:
        row = Student(source_id=name)
        self.add(row)
        return row.id

    def old_rows(self, at: datetime, student_id: UUID, name: str = "x") -> None:
        """One row of every class whose time began at this instant."""

        async def work() -> None:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                await _old_rows(session, self.family.school_id, student_id, at, name)

        self.world.run(work())

    def register(self, day: date, student_id: UUID) -> None:
        async def work() -> None:
            async with self.world.sessions.tenant(self.family.tenant_id) as session:
                await session.execute(select(func.ensure_year_partitions(day)))
                await _register(session, self.family.school_id, student_id, day)

        self.world.run(work())

    def line(self, run: RetentionRun, record_class: RecordClass) -> dict[str, Any]:
        return next(line for line in run.lines if line["class"] == record_class)


async def _register(session: Session, school_id: UUID, student_id: UUID, day: date) -> None:
    when = {"student_id": student_id, "school_id": school_id, "date": day}
    marked = {"row_key": uuid4(), "mark_id": str(uuid4()), "session": "AM", "code": "/", "ingest_seq": 1}
    known = datetime.combine(day, time(9), UTC)
    await session.execute(insert(Mark).values(**when, **marked, recorded_at=known))
    await session.execute(
        insert(SessionFact).values(**when, session="AM", known_from=known, status="PRESENT", code="/")
    )
    counts = {"attended_ytd": 1, "possible_ytd": 1, "consecutive_absence_days": 0, "total_absence_half_days_ytd": 0}
    await session.execute(insert(Summary).values(**when, **counts, computed_at=known))


async def _old_rows(session: Session, school_id: UUID, student_id: UUID, at: datetime, name: str) -> None:
    run = ImportRun(kind="marks", source_name="marks.csv", status="FINISHED")
    hook = Webhook(url="https://hooks.example.org/", secret=b"x", secret_key_id="test")
    event = Outbox(kind="event", subject=f"students/{student_id}", payload={}, status="DELIVERED")
    asked = {"first_on": at.date(), "last_on": at.date(), "minutes": {}, "rulesets": [], "created_at": at}
    tried = Backtest(**asked, status="FINISHED", figures={}, ended_at=at)
    session.add_all([run, hook, event, tried])
    await session.flush()
    seen = {"actor_role": "dpo", "actor_display": "D", "request_id": "r", "operation": "read_student"}
    source = {"source": "mis", "event_id": str(uuid4()), "type": "t", "digest": "0", "via": "api", "status": "APPLIED"}
    dealt = {"kind": "marks", "line": 1, "problem": "BAD_DATE", "status": "DISMISSED"}
    session.add_all(
        [
            StudentView(student_id=student_id, at=at, **seen),
            BacktestWalk(backtest_id=tried.id, student_id=student_id, school_id=school_id, stepped=0, steps=[]),
            BehaviourEvent(
                source_key=str(uuid4()),
                student_id=student_id,
                school_id=school_id,
                occurred_at=at,
                category="C",
                created_at=at,
            ),
            Prediction(student_id=student_id, model="m", model_version="1", score=1, predicted_at=at, created_at=at),
            StaffAbsence(
                source_key=str(uuid4()), staff_key="s", first_day=at.date(), last_day=at.date(), created_at=at
            ),
            InboundEvent(**source, entity=f"students/{name}", time=at, received_at=at, created_at=at),
            QuarantineRow(import_id=run.id, row={"student_id": name}, created_at=at, **dealt),
            WebhookDelivery(
                webhook_id=hook.id,
                event_id=event.id,
                position=1,
                subject=event.subject,
                type="t",
                status="DELIVERED",
                since=at,
                created_at=at,
            ),
        ]
    )


@pytest.fixture
def office(database: Database, temporal_dev: TemporalDev) -> Iterator[Office]:
    world = World(database)
    yield Office(world, world.run(temporal_dev.client()))
    world.close()


def test_the_day_of_the_border_stays_and_the_day_before_goes(office: Office) -> None:
    border = datetime.combine(BEFORE, time.min, UTC)
    for at in (border - timedelta(microseconds=1), border):
        office.old_rows(at, office.family.student_id)
    run = office.listed()
    for kind in (RecordClass(line["class"]) for line in run.lines):
        wanted = 0 if kind in {RecordClass.REGISTER, RecordClass.STUDENT_RECORD} else 1
        assert office.line(run, kind)["count"] == wanted, kind
    assert [office.count(table) for table in KINDS] == [2] * len(KINDS), "a list destroys nothing"
    done = office.carried_out(office.approved(run))
    assert done.status == "DONE"
    assert [office.count(table) for table in KINDS] == [1] * len(KINDS)
    assert office.carried_out(done).done == done.done, "asked for again, it changes nothing"
    later = office.listed(now=NOW + timedelta(days=1))
    assert office.line(later, RecordClass.VIEW_LOG)["count"] == 1, "a day later it is the other one's turn"


def test_the_register_ends_by_school_day_and_the_law_of_its_school(office: Office) -> None:
    border = ends_before(NOW.date(), 24)
    for day in (border - timedelta(days=1), border):
        office.register(day, office.family.student_id)
    assert office.line(office.listed(), RecordClass.REGISTER)["count"] == len(REGISTER)
    told = update(School).values(settings=School.settings.op("||")({"jurisdiction": "GB-ENG"}))
    office.world.change(office.family, told)
    english = office.line(office.listed(), RecordClass.REGISTER)
    assert (english["months"], english["law_asks_months"], english["count"]) == (72, 72, 0), "six years in England"
    office.world.change(office.family, update(School).values(settings=School.settings.op("-")("jurisdiction")))
    office.carried_out(office.approved(office.listed()))
    left = [office.world.run(_all(office, select(table.date).where(table.date <= border))) for table in REGISTER]
    assert left == [[border]] * len(REGISTER)


def _left_before(office: Office, day: date) -> list[int]:
    """How many rows each part of the register holds from before a day."""
    return [len(office.world.run(_all(office, select(table.date).where(table.date < day)))) for table in REGISTER]


def test_by_a_law_that_nobody_has_read_nothing_is_destroyed_until_somebody_says_when(office: Office) -> None:
    """Approved by two people all the same: a line that is not verified takes nothing with it."""
    border = ends_before(NOW.date(), 72)
    office.register(border - timedelta(days=1), office.family.student_id)
    leaver = office.student("left")
    span = {"school_id": office.family.school_id, "start_date": date(2015, 9, 1), "end_date": date(2019, 7, 20)}
    office.add(Enrolment(student_id=leaver, **span))
    told = update(School).values(settings=School.settings.op("||")({"jurisdiction": "GB-ENG"}))
    office.world.change(office.family, told)
    run = office.listed()
    waits = {kind: office.line(run, kind) for kind in (RecordClass.REGISTER, RecordClass.STUDENT_RECORD)}
    assert [(line["verified"], line["law_checked_on"], line["count"]) for line in waits.values()] == [
        (False, None, len(REGISTER)),
        (False, None, 1),
    ]
    done = office.carried_out(office.approved(run))
    assert [done.done[str(run.lines.index(line))] for line in waits.values()] == [
        {"deleted": 0, "not_verified": len(REGISTER)},
        {"erased": 0, "not_verified": 1},
    ]
    assert _left_before(office, border) == [1] * len(REGISTER)
    assert office.world.rows(office.family, Erasure) == []
    read = {kind.value: {"GB-ENG": "2026-11-19"} for kind in waits}
    months = {one.value: many for one, many in MONTHS.items()}
    chosen = {"retention": {"months": months, "verified": read}}
    office.world.change(
        office.family,
        update(Tenant).where(Tenant.id == office.family.tenant_id).values(settings=Tenant.settings.op("||")(chosen)),
    )
    again = office.listed()
    assert office.line(again, RecordClass.REGISTER)["law_checked_on"] == "2026-11-19"
    office.carried_out(office.approved(again))
    assert _left_before(office, border) == [0] * len(REGISTER)
    assert [row.student_id for row in office.world.rows(office.family, Erasure)] == [leaver]


def test_a_student_who_left_long_enough_ago_is_erased_and_one_who_left_a_day_later_is_not(office: Office) -> None:
    border = ends_before(NOW.date(), 24)
    leavers = {}
    for name, last in (("gone", border - timedelta(days=1)), ("stays", border), ("here", None)):
        leavers[name] = office.student(name)
        span = {"school_id": office.family.school_id, "start_date": date(2020, 9, 1), "end_date": last}
        office.add(Enrolment(student_id=leavers[name], **span))
    run = office.listed()
    assert office.line(run, RecordClass.STUDENT_RECORD)["students"] == [str(leavers["gone"])]
    office.carried_out(office.approved(run))
    erased = {row.id for row in office.world.rows(office.family, Student) if row.erased_at}
    assert erased == {leavers["gone"]}
    (row,) = office.world.rows(office.family, Erasure)
    people = (office.people["dpo"], office.people["admin"])
    assert (row.ground, row.status, (row.requested_by, row.approved_by)) == ("RETENTION", "DONE", people)


def test_nothing_under_hold_goes_not_even_when_the_hold_comes_after_the_approval(office: Office) -> None:
    held, free = office.student("held-1"), office.student("free-1")
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for student_id, name in ((held, "held-1"), (free, "free-1")):
        office.old_rows(long_ago, student_id, name)
        office.register(long_ago.date(), student_id)
        span = {"school_id": office.family.school_id, "start_date": date(2019, 9, 1), "end_date": long_ago.date()}
        office.add(Enrolment(student_id=student_id, **span))
    run = office.approved(office.listed())
    assert office.line(run, RecordClass.VIEW_LOG)["count"] == 2
    office.add(LegalHold(student_id=held, reason="A claim.", placed_at=NOW))
    done = office.carried_out(run)
    about: list[Any] = [StudentView, BehaviourEvent, Prediction, *REGISTER]
    for table in about:
        rows = select(table.student_id)
        if table in REGISTER:
            rows = rows.where(table.date <= long_ago.date())
        assert office.world.run(_all(office, rows)) == [held], table
    kept = [office.count(table) for table in (InboundEvent, QuarantineRow, Backtest, WebhookDelivery)]
    assert kept == [1, 1, 1, 1], "also where only a source's id or a payload names them"
    erasing = next(n for n, line in enumerate(done.lines) if line["class"] == RecordClass.STUDENT_RECORD)
    assert done.done[str(erasing)] == {"erased": 1, "kept": 1}
    assert office.line(office.listed(), RecordClass.STUDENT_RECORD)["count"] == 0, "the next list leaves them out"


async def _all(office: Office, wanted: Any) -> list[Any]:
    async with office.world.sessions.tenant(office.family.tenant_id) as session:
        return list((await session.scalars(wanted)).all())


def test_what_came_in_after_the_list_is_not_on_it(office: Office) -> None:
    run = office.approved(office.listed())
    old = datetime(2020, 1, 1, tzinfo=UTC)
    office.add(
        Prediction(
            student_id=office.family.student_id,
            model="m",
            model_version="1",
            score=1,
            predicted_at=old,
            created_at=NOW + timedelta(seconds=1),
        )
    )
    office.carried_out(run)
    assert office.count(Prediction) == 1


def refused(office: Office, code: str, kind: type[DomainError], work: Any) -> None:
    with pytest.raises(kind) as caught:
        work()
    assert caught.value.code == code


def test_it_takes_a_second_person_who_names_the_list_they_saw(office: Office) -> None:
    run = office.listed()
    refused(office, "retention_not_approved", Conflict, lambda: office.carried_out(run))
    refused(office, "four_eyes", Forbidden, lambda: office.approved(run, "dpo"))
    refused(office, "another_list", Invalid, lambda: office.approved(run, sha256="0" * 64))
    office.approved(run)
    refused(office, "retention_decided", Conflict, lambda: office.approved(run))
    office.carried_out(run)
    verbs = [row.verb for row in office.world.rows(office.family, AuditEntry) if row.subject_kind == "retention_run"]
    wanted = ["list_retention", "approve_retention", *["carry_out_retention"] * len(run.lines), "finish_retention"]
    assert verbs == wanted


def test_a_list_that_was_changed_by_hand_is_carried_out_by_nobody(
    office: Office, postgres: Server, database: Database
) -> None:
    run = office.approved(office.listed())
    with psycopg.connect(postgres.dsn(database.name), autocommit=True) as superuser:
        change = "update retention_run set lines = jsonb_set(lines, '{0,before}', '\"2026-11-01\"') where id = %s"
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="frozen"):
            superuser.execute(change, [run.id])
        superuser.execute("set session_replication_role = replica")
        superuser.execute(change, [run.id])
    refused(office, "retention_list_changed", Conflict, lambda: office.carried_out(run))


def test_the_database_deletes_nothing_that_no_approved_list_names(office: Office, database: Database) -> None:
    office.old_rows(datetime(2020, 1, 1, tzinfo=UTC), office.family.student_id)
    run = office.listed()
    call = "select retention_rows('VIEW_LOG', %s, null, %s, %s)"
    for approved, before in ((False, BEFORE), (True, NOW.date())):
        if approved:
            office.approved(run)
        with psycopg.connect(database.app_dsn) as connection:
            connection.execute("select set_config('app.current_tenant', %s, true)", [str(office.family.tenant_id)])
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="no two people"):
                connection.execute(call, [before, run.known_at, run.id])
    assert office.count(StudentView) == 1
