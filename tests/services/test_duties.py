"""Duties: opened once by the pass whatever became of a case, cleared only by the required artifact, looked at again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from models.delivery import Message
from models.duties import Duty
from models.evidence_packs import EvidencePack
from models.guardians import Guardian
from models.instances import Event, Instance, Task
from models.letters import LetterArtifact
from models.people import Person, School
from models.reliability import Outbox
from models.rulesets import RuleSet, RuleSetVersion
from models.session import Session, Sessions, engine_for
from models.students import Student
from rules.duties.words import DutyArtifact, DutyState, RegisterEvent
from rules.errors import DomainError
from rules.ids import PersonId
from rules.rulesets.ruleset import digest, dump_ruleset, parse_ruleset
from services import duties, duty_pass, register_events, tasks
from services.context import Actor
from services.duties import CloseDuty, DecideDutyBasis, DutyChoice
from services.register_events import RaiseEvent
from services.tasks import CompleteTask
from tests.keys import opened_on
from tests.servers.kinds import Database
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.services.test_nightly import correction, evening, marks

pytestmark = pytest.mark.servers
DAYS = school_days(date(2026, 9, 1), 12)
THREE_DAYS = {"type": "AbsenceCountThreshold", "params": {"count": 3, "window": "YTD"}}
NEVER = {"type": "AbsenceCountThreshold", "params": {"count": 90, "window": "YTD"}}
REPORT = {"key": "report", "when": THREE_DAYS, "effect": "REPORT", "cite": "s.1(1)"}
SOON = {"n": 3, "unit": "school_day", "from": "trip"}
REMOVAL = {"key": "removal", "on_event": "removed_from_register", "effect": "TASK", "cite": "s.1(2)"}
OPINION = {"key": "opinion", "on_event": "principal_opinion_irregular", "effect": "BLOCK", "cite": "s.1(3)"}
ALL = [{**one, "deadline": SOON} for one in (REPORT, REMOVAL, OPINION)]
Story = Callable[[], Awaitable[None]]


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return opened_on(engine_for(database.app_url, pool_size=3))


@pytest.fixture
def tell(sessions: Sessions) -> Iterator[Callable[[Story], None]]:
    with asyncio.Runner() as runner:
        yield lambda story: runner.run(story())
        runner.run(sessions.engine.dispose())


async def activate(sessions: Sessions, actor: Actor, owed: list[dict[str, Any]], **more: Any) -> None:
    """An active version that starts no case and asks for these duties."""
    stages = [{"key": "contact", "type": "CONTACT"}]
    document = {"key": "law", "title": "Law", "entry": NEVER, "stages": stages, "duties": owed, **more}
    ruleset = parse_ruleset(document)
    async with sessions.tenant(actor.tenant_id) as session:
        row = RuleSet(key="law", title="Law")
        session.add(row)
        await session.flush()
        version = {"rule_set_id": row.id, "version": 1, "status": "ACTIVE", "digest": digest(ruleset)}
        at = datetime.combine(DAYS[0], datetime.min.time(), UTC)
        session.add(RuleSetVersion(**version, content=dump_ruleset(ruleset), activated_at=at))


async def a_school(sessions: Sessions, folder: Path, codes: str, *, ends: object = "", **more: Any) -> Actor:
    """One student with a code a day, and a person who acts."""
    actor = await a_tenant(sessions)
    tables = {"schools": [school()], "calendar": calendar(DAYS), "marks": marks(codes)}
    write(folder, **tables, enrolments=[["a", "S", DAYS[0], ends, ""]])
    await take_in(sessions, actor, folder)
    await activate(sessions, actor, ALL, **more)
    async with sessions.tenant(actor.tenant_id) as session:
        leader = Person(subject="leader", display_name="Lee Leader")
        session.add(leader)
    return replace(actor, person_id=PersonId(leader.id), role="school_leader", source="api")


async def rows(sessions: Sessions, actor: Actor) -> list[Duty]:
    async with sessions.tenant(actor.tenant_id) as session:
        return list(await session.scalars(select(Duty).order_by(Duty.opened_at, Duty.id)))


async def the_duty(sessions: Sessions, actor: Actor) -> Duty:
    (row,) = await rows(sessions, actor)
    return row


async def open_tasks(sessions: Sessions, actor: Actor) -> list[tuple[str, str | None]]:
    async with sessions.tenant(actor.tenant_id) as session:
        wanted = select(Task.kind, Task.role).where(Task.status == "OPEN").order_by(Task.id)
        return [(kind, role) for kind, role in await session.execute(wanted)]


async def told(sessions: Sessions, actor: Actor) -> tuple[list[str], list[str]]:
    """What stands in the timeline, and what the world was told."""
    async with sessions.tenant(actor.tenant_id) as session:
        lines = (await session.scalars(select(Event.type).where(Event.type.like("DUTY%")).order_by(Event.id))).all()
        outbox = await session.scalars(select(Outbox.payload).where(Outbox.kind == "event").order_by(Outbox.id))
        return list(lines), [one["type"].split(".")[2] for one in outbox]


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=hour)


def test_the_third_day_opens_one_duty_with_its_deadline_and_the_same_evening_twice_no_second(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        assert (await evening(sessions, actor, DAYS[1])).duties == 0
        assert [(await evening(sessions, actor, day)).duties for day in (DAYS[2], DAYS[2], DAYS[3])] == [1, 0, 0]
        row = await the_duty(sessions, actor)
        assert (row.duty_key, row.status, row.basis, row.tripped_on) == ("report", "OPEN", "HOLDS", DAYS[2])
        assert row.due_on == DAYS[5]
        assert row.said == "3 absences in the school year so far; threshold 3"
        assert row.metrics == {"absent_half_days/ytd/all": 6}
        assert await open_tasks(sessions, actor) == [("duty", "attendance_officer")]
        assert await told(sessions, actor) == (["DUTY_OPENED"], ["DutyOpened"])
        async with sessions.tenant(actor.tenant_id) as session:
            assert (await session.scalars(select(Instance))).all() == []  # no ladder runs: a duty stands beside it

    tell(story)


@pytest.mark.parametrize("standing", ["exempt", "stopped", "held", "contact_stop"])
def test_it_arises_whatever_became_of_the_student_on_the_ladder(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path, standing: str
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        who = "(select id from student), (select id from school)"
        put = {
            "exempt": "insert into exemption (student_id, kind, scope, reason, starts_on) "
            "select id, 'MEDICAL', 'stop', 'ill', date '2026-09-01' from student",
            "contact_stop": "insert into contact_stop (subject_kind, subject_id, reason_code, set_at) "
            "select 'STUDENT', id, 'OTHER', now() from student",
        }
        walk = (
            f"with c as (insert into case_file (student_id, school_id) values ({who}) returning *) "
            "insert into instance (school_year, student_id, lead_school_id, case_id, rule_set_key, "
            "rule_set_version_id, digest, status, phase, hold_kind, started_at, closed_at) select '2026', c.student_id,"
            " c.school_id, c.id, 'law', v.id, v.digest, '{0}', '{1}', {2}, now(), {3} from c, rule_set_version v"
        )
        put["stopped"] = walk.format("STOPPED", "CLOSED", "null", "now()")
        put["held"] = walk.format("ACTIVE", "ON_HOLD", "'staff'", "null")
        async with sessions.tenant(actor.tenant_id) as session:
            await session.execute(text(put[standing]))
        assert (await evening(sessions, actor, DAYS[2])).duties == 1
        row = await the_duty(sessions, actor)
        assert (row.status, row.instance_id is not None) == ("OPEN", standing == "held")

    tell(story)


def test_what_ended_and_arises_again_is_another_duty(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN//.///")
        await evening(sessions, actor, DAYS[2])
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "/", DAYS[4])))
        assert (await evening(sessions, actor, DAYS[4])).duties == 1  # its basis is gone
        assert (await the_duty(sessions, actor)).ended_on == DAYS[4]
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[5], "N", DAYS[5])))
        assert (await evening(sessions, actor, DAYS[5])).duties == 1
        assert [row.tripped_on for row in await rows(sessions, actor)] == [DAYS[2], DAYS[5]]

    tell(story)


def test_unknown_ends_nothing(sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path) -> None:
    """The percentage is unknown until ten days are there: a duty neither arises nor ends by that."""

    async def story() -> None:
        below = {"type": "AttendancePercentThreshold", "params": {"below": "90", "min_school_days": 10}}
        actor = await a_tenant(sessions)
        tables = {"schools": [school()], "calendar": calendar(DAYS), "marks": marks("NNN/////////")}
        await take_in(sessions, actor, write(tmp_path, **tables, enrolments=[["a", "S", DAYS[0], "", ""]]))
        await activate(sessions, actor, [{**REPORT, "when": below, "deadline": SOON}])
        assert [(await evening(sessions, actor, day)).duties for day in DAYS[3:5]] == [0, 0]
        assert (await evening(sessions, actor, DAYS[9])).duties == 1
        assert (await the_duty(sessions, actor)).ended_on is None

    tell(story)


def test_a_correction_that_takes_the_basis_away_asks_a_leader_and_one_that_gives_it_back_does_not(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNNN/////")
        await evening(sessions, actor, DAYS[2])
        await evening(sessions, actor, DAYS[4])
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "/", DAYS[5])))
        assert (
            await evening(sessions, actor, DAYS[5])
        ).duties == 1  # three days today, but only two on the day it arose
        row = await the_duty(sessions, actor)
        assert (row.basis, row.status, row.ended_on) == ("LOST", "OPEN", None)
        assert ("duty_basis", "school_leader") in await open_tasks(sessions, actor)
        assert (await evening(sessions, actor, DAYS[6])).duties == 0
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "N", DAYS[7])))
        await evening(sessions, actor, DAYS[7])
        assert (await the_duty(sessions, actor)).basis == "HOLDS"
        assert await open_tasks(sessions, actor) == [("duty", "attendance_officer")]
        lines, _ = await told(sessions, actor)
        assert lines == ["DUTY_OPENED", "DUTY_BASIS_LOST", "DUTY_BASIS_RESTORED"]

    tell(story)


async def lost(sessions: Sessions, folder: Path) -> tuple[Actor, UUID]:
    actor = await a_school(sessions, folder, "NNN//////")
    await evening(sessions, actor, DAYS[2])
    await take_in(sessions, actor, write(folder, marks=correction(DAYS[0], "/", DAYS[5])))
    await evening(sessions, actor, DAYS[5])
    return actor, (await the_duty(sessions, actor)).id


@pytest.mark.parametrize(
    ("choice", "status", "basis", "line"),
    [
        (DutyChoice.KEEP, "OPEN", "KEPT", "DUTY_BASIS_KEPT"),
        (DutyChoice.WITHDRAW, "NOT_APPLICABLE", "WITHDRAWN", "DUTY_WITHDRAWN"),
    ],
)
def test_a_leader_keeps_or_withdraws_what_nobody_did_yet(
    sessions: Sessions,
    tell: Callable[[Story], None],
    tmp_path: Path,
    choice: DutyChoice,
    status: str,
    basis: str,
    line: str,
) -> None:
    async def story() -> None:
        actor, duty_id = await lost(sessions, tmp_path)
        async with sessions.tenant(actor.tenant_id) as session:
            command = DecideDutyBasis(duty_id, choice, "Looked at with the class teacher.")
            row = await duties.decide_basis(session, actor, command, now=at(DAYS[6]))
            assert (row.status, row.basis, row.basis_by) == (status, basis, actor.person_id)
            with pytest.raises(DomainError, match="nothing to decide"):
                await duties.decide_basis(session, actor, command, now=at(DAYS[6]))
        assert (await told(sessions, actor))[0][-1] == line
        left = {kind for kind, _ in await open_tasks(sessions, actor)}
        assert left == ({"duty"} if choice is DutyChoice.KEEP else set())
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[1], "/", DAYS[7])))
        assert (await evening(sessions, actor, DAYS[7])).duties == 0  # decided is decided

    tell(story)


async def released(session: Session, duty: Duty, **changed: Any) -> UUID:
    pack = {
        "student_id": duty.student_id,
        "school_id": duty.school_id,
        "case_id": duty.case_id,
        "kind": "AUTHORITY_REFERRAL",
        "status": "RELEASED",
        "storage_path": f"packs/{uuid4()}",
        "sha256": "0" * 64,
        "stored_sha256": "0" * 64,
        "size_bytes": 1,
        "pages": 1,
        "engine": "test",
        "prepared_at": at(DAYS[3]),
        "released_at": at(DAYS[4]),
        **changed,
    }
    row = EvidencePack(**pack)
    session.add(row)
    await session.flush()
    return row.id


async def a_letter(session: Session, duty: Duty, status: str = "SENT", **changed: Any) -> UUID:
    guardian = Guardian(source_id=str(uuid4()), name="Gwen Guardian")
    session.add(guardian)
    await session.flush()
    about = {"student_id": duty.student_id, "guardian_id": guardian.id}
    stored = {"storage_path": str(uuid4()), "sha256": "0", "stored_sha256": "0", "size_bytes": 1, "pages": 1}
    made = {"language": "en", "engine": "test", "generated_at": at(DAYS[3]), **changed}
    letter = LetterArtifact(**about, school_id=duty.school_id, **stored, **made)
    session.add(letter)
    await session.flush()
    sent = at(DAYS[4]) if status == "SENT" else None
    session.add(
        Message(**about, dedupe_key=str(uuid4()), kind="LETTER", artifact_id=letter.id, status=status, sent_at=sent)
    )
    await session.flush()
    return letter.id


def test_only_the_required_artifact_clears_it(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        await evening(sessions, actor, DAYS[2])
        duty = await the_duty(sessions, actor)
        office = replace(actor, role="attendance_officer")

        async def close(expected: str, **said: Any) -> None:
            async with sessions.tenant(actor.tenant_id) as session:
                command = CloseDuty(duty.id, DutyState.DONE, recipient="The welfare service", **said)
                with pytest.raises(DomainError) as refused:
                    await duties.close(session, office, command, now=at(DAYS[5]))
                assert refused.value.code == expected

        async with sessions.tenant(actor.tenant_id) as session:
            other = Student(source_id="b")
            session.add(other)
            await session.flush()
            packs = {
                "artifact_not_released": await released(session, duty, status="SIGNED", released_at=None),
                "artifact_too_early": await released(session, duty, released_at=at(DAYS[1])),
                "artifact_not_found": await released(session, duty, kind="FAMILY_COPY"),
            }
            theirs = await released(session, duty, student_id=other.id)
            letter = await a_letter(session, duty)
            fitting = await released(session, duty)
        pack = DutyArtifact.EVIDENCE_PACK
        await close("artifact_missing")
        await close("artifact_kind", artifact_kind=DutyArtifact.LETTER, artifact_id=letter)
        await close("artifact_not_found", artifact_kind=pack, artifact_id=uuid4())
        await close("artifact_not_found", artifact_kind=pack, artifact_id=theirs)
        for code, pack_id in packs.items():
            await close(code, artifact_kind=pack, artifact_id=pack_id)
        await close("done_on", artifact_kind=pack, artifact_id=fitting, on=DAYS[6])  # tomorrow
        await close("done_on", artifact_kind=pack, artifact_id=fitting, on=DAYS[3])  # before it went out
        async with sessions.tenant(actor.tenant_id) as session:
            task = (await session.scalars(select(Task).where(Task.kind == "duty"))).one()
            with pytest.raises(DomainError, match="ends with duty"):
                await tasks.complete(session, office, CompleteTask(task.id, "Rang them."), now=at(DAYS[5]))
        async with sessions.tenant(actor.tenant_id) as session:
            command = CloseDuty(duty.id, DutyState.DONE, pack, fitting, "The welfare service")
            row = await duties.close(session, office, command, now=at(DAYS[5]))
            assert (row.status, row.artifact_id, row.done_on) == ("DONE", fitting, DAYS[4])
            assert (row.recipient, row.closed_by, row.closed_role) == (
                "The welfare service",
                actor.person_id,
                "attendance_officer",
            )
            with pytest.raises(DomainError, match="DONE already"):
                await duties.close(session, office, command, now=at(DAYS[5]))
        assert await open_tasks(sessions, actor) == []
        assert (await told(sessions, actor))[1] == ["DutyOpened", "DutyClosed"]

    tell(story)


def test_a_duty_that_was_done_is_withdrawn_with_the_authority(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        await evening(sessions, actor, DAYS[2])
        duty = await the_duty(sessions, actor)
        async with sessions.tenant(actor.tenant_id) as session:
            pack = await released(session, duty)
            command = CloseDuty(duty.id, DutyState.DONE, DutyArtifact.EVIDENCE_PACK, pack, "The welfare service")
            await duties.close(session, actor, command, now=at(DAYS[4], 20))
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "/", DAYS[5])))
        await evening(sessions, actor, DAYS[5])
        assert await open_tasks(sessions, actor) == [
            ("duty_basis", "school_leader"),
            ("CHECK_PACK", "school_leader"),  # the pack that went out says what is no longer so
        ]
        async with sessions.tenant(actor.tenant_id) as session:
            wanted = DecideDutyBasis(duty.id, DutyChoice.WITHDRAW, "A school trip.")
            row = await duties.decide_basis(session, actor, wanted, now=at(DAYS[6]))
            assert (row.status, row.basis) == ("DONE", "WITHDRAWN")
        assert ("duty_withdraw", "attendance_officer") in await open_tasks(sessions, actor)

    tell(story)


def test_letters_clear_what_asks_for_no_report(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "////////")
        async with sessions.tenant(actor.tenant_id) as session:
            who = (await session.scalars(select(Student.id))).one(), (await session.scalars(select(School.id))).one()
            event = RaiseEvent(*who, RegisterEvent.PRINCIPAL_OPINION_IRREGULAR, DAYS[2], "Away on Mondays.")
            (duty,) = await register_events.raised(session, actor, event, now=at(DAYS[3]))
            (again,) = await register_events.raised(session, actor, event, now=at(DAYS[4]))
            assert (again.id, duty.said, duty.event) == (duty.id, "Away on Mondays.", event.event)
            assert (duty.due_on, duty.opened_by) == (DAYS[5], actor.person_id)
            assert await duties.blocking(session, duty.student_id) == duty.id
            queued, gone = await a_letter(session, duty, "QUEUED"), await a_letter(session, duty)
            taken_back = await a_letter(session, duty, rescinded_at=at(DAYS[5]))
            refused = {}
            for letter in (queued, taken_back, uuid4()):
                command = CloseDuty(duty.id, DutyState.DONE, DutyArtifact.LETTER, letter, "The family")
                with pytest.raises(DomainError) as caught:
                    await duties.close(session, actor, command, now=at(DAYS[5]))
                refused[letter] = caught.value.code
            assert list(refused.values()) == ["artifact_not_sent", "artifact_rescinded", "artifact_not_found"]
            command = CloseDuty(duty.id, DutyState.DONE, DutyArtifact.LETTER, gone, "The family")
            assert (await duties.close(session, actor, command, now=at(DAYS[5]))).done_on == DAYS[4]
            assert await duties.blocking(session, duty.student_id) is None

    tell(story)


def test_what_a_leader_says_takes_a_leader_and_reasons(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////", scope={"ages": [6, 16]})
        office = replace(actor, role="attendance_officer")
        async with sessions.tenant(actor.tenant_id) as session:
            await session.execute(text("update student set dob = date '2015-01-01'"))
        await evening(sessions, actor, DAYS[2])
        duty = await the_duty(sessions, actor)
        who = duty.student_id, duty.school_id

        async def refusal(wanted: Awaitable[object]) -> str:
            with pytest.raises(DomainError) as refused:
                await wanted
            return refused.value.code

        async with sessions.tenant(actor.tenant_id) as session:

            def closing(by: Actor, state: DutyState, **said: Any) -> Awaitable[object]:
                return duties.close(session, by, CloseDuty(duty.id, state, **said), now=at(DAYS[5]))

            def raising(by: Actor, event: RegisterEvent, on: date) -> Awaitable[object]:
                return register_events.raised(session, by, RaiseEvent(*who, event, on, "So it is."), now=at(DAYS[5]))

            opinion, removed = RegisterEvent.PRINCIPAL_OPINION_IRREGULAR, RegisterEvent.REMOVED_FROM_REGISTER
            assert [
                await refusal(closing(office, DutyState.NOT_APPLICABLE, reason="No.")),
                await refusal(closing(actor, DutyState.NOT_APPLICABLE)),
                await refusal(closing(actor, DutyState.DONE_ELSEWHERE, reason="They did.")),
                await refusal(closing(actor, DutyState.OPEN)),
                await refusal(raising(office, opinion, DAYS[2])),
                await refusal(raising(actor, opinion, DAYS[7])),
                await refusal(raising(actor, RegisterEvent.SUSPENDED, DAYS[2])),
                await refusal(duties.get(session, uuid4())),
            ] == [
                "leader_only",
                "reason_missing",
                "reason_missing",
                "duty_state",
                "leader_only",
                "event_day",
                "no_duty_asks",
                "duty_not_found",
            ]
            assert await raising(office, removed, DAYS[2])
            await session.execute(text("update student set dob = date '2003-01-01'"))  # out of the rule set's ages
            assert await refusal(raising(actor, removed, DAYS[3])) == "no_duty_asks"
            said = {"reason": "The other school did.", "evidence": "Their letter."}
            row = await duties.close(
                session, office, CloseDuty(duty.id, DutyState.DONE_ELSEWHERE, **said), now=at(DAYS[5])
            )
            assert (row.status, row.reason, row.evidence) == ("DONE_ELSEWHERE", said["reason"], said["evidence"])

    tell(story)


@pytest.mark.parametrize(
    ("sql", "many"),
    [
        ("update enrolment set end_date = date '2026-09-04'", 1),
        ("update enrolment set end_date = date '2026-08-31'", 0),  # before the rule set was active
        ("update enrolment set end_date = date '2026-09-30'", 0),  # still to come
        ("update enrolment set end_date = date '2026-09-04', registration = 'GUEST'", 0),
        (
            "with e as (update enrolment set end_date = '2026-09-04') update student set deceased_on = '2026-09-05'",
            0,
        ),
        ("with e as (update enrolment set end_date = date '2026-09-04') update student set dob = date '2000-01-01'", 0),
    ],
)
def test_a_name_taken_off_the_roll_opens_its_duty_once(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path, sql: str, many: int
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "////////", scope={"ages": [6, 16]})
        async with sessions.tenant(actor.tenant_id) as session:
            await session.execute(text("update student set dob = date '2015-01-01'"))
            await session.execute(text(sql))
        await evening(sessions, actor, DAYS[6])
        await evening(sessions, actor, DAYS[7])
        found = await rows(sessions, actor)
        assert [(row.duty_key, row.tripped_on) for row in found] == [("removal", date(2026, 9, 4))] * many

    tell(story)


def test_leaving_at_the_end_of_a_school_year_is_no_removal(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        june, september = school_days(date(2027, 6, 21), 5), school_days(date(2027, 9, 1), 3)
        actor = await a_tenant(sessions)
        tables = {"schools": [school()], "calendar": calendar([*june, *september])}
        pupils = [["a", "S", june[0], june[-1], ""], ["b", "S", june[0], june[2], ""]]
        at_once = [
            [f"{d}{s}{p}", p, "S", d, s, "/", f"{d}T09:00:00Z", "", 0] for p in "ab" for d in june for s in ("AM",)
        ]
        await take_in(sessions, actor, write(tmp_path, **tables, enrolments=pupils, marks=at_once), at(june[-1]))
        await activate(sessions, actor, [{**REMOVAL, "deadline": SOON}])
        await evening(sessions, actor, september[1])
        async with sessions.tenant(actor.tenant_id) as session:
            wanted = select(Student.source_id, Duty.due_on).join(Student, Student.id == Duty.student_id)
            found = [(name, due) for name, due in await session.execute(wanted)]
        assert found == [("b", september[0])]  # the holidays do not count

    tell(story)


def test_the_end_of_a_school_year_opens_one_duty_of_the_school(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        june, september = school_days(date(2027, 6, 21), 5), school_days(date(2027, 9, 1), 3)
        actor = await a_tenant(sessions)
        tables = {"schools": [school()], "calendar": calendar([*june, *september])}
        here = [[f"{d}", "a", "S", d, "AM", "/", f"{d}T09:00:00Z", "", 0] for d in june]
        await take_in(sessions, actor, write(tmp_path, **tables, enrolments=[["a", "S", june[0], "", ""]], marks=here))
        yearly = {"key": "yearly", "on_event": "school_year_ended", "effect": "REPORT", "cite": "s.1(6)"}
        await activate(sessions, actor, [{**yearly, "deadline": {"n": 6, "unit": "week", "from": "school_year_end"}}])
        days = [june[3], june[4], september[0], september[1]]
        assert [(await evening(sessions, actor, day)).duties for day in days] == [0, 1, 0, 0]
        row = await the_duty(sessions, actor)
        assert (row.student_id, row.case_id, row.tripped_on) == (None, None, june[4])
        assert row.due_on == june[4] + timedelta(weeks=6)
        assert await told(sessions, actor) == ([], ["DutyOpened"])
        async with sessions.tenant(actor.tenant_id) as session:
            command = CloseDuty(row.id, DutyState.DONE, DutyArtifact.EVIDENCE_PACK, uuid4(), "The agency")
            with pytest.raises(DomainError, match="DONE_ELSEWHERE"):
                await duties.close(session, actor, command, now=at(june[4], 20))
            by_portal = CloseDuty(row.id, DutyState.DONE_ELSEWHERE, reason="By their portal.", evidence="Receipt 12.")
            assert (await duties.close(session, actor, by_portal, now=at(june[4], 20))).status == "DONE_ELSEWHERE"

    tell(story)


def test_reminders_are_the_owners_then_the_leaders_each_once(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN/////")
        await evening(sessions, actor, DAYS[2])
        duty = await the_duty(sessions, actor)
        seen = []
        for day in (DAYS[2], DAYS[3], DAYS[3], DAYS[5], DAYS[6], DAYS[7], DAYS[10]):
            async with sessions.tenant(actor.tenant_id) as session:
                seen.append(await duty_pass.reminded(session, actor, [duty.school_id], now=at(day)))
        assert seen == [0, 1, 0, 1, 1, 0, 1]
        found = [role for kind, role in await open_tasks(sessions, actor) if kind == "duty_reminder"]
        assert found == ["attendance_officer", "attendance_officer", "school_leader", "school_leader"]
        async with sessions.tenant(actor.tenant_id) as session:
            closing = CloseDuty(duty.id, DutyState.NOT_APPLICABLE, reason="Moved abroad.")
            await duties.close(session, actor, closing, now=at(DAYS[10]))
            assert await duty_pass.reminded(session, actor, [duty.school_id], now=at(DAYS[11])) == 0
        assert await open_tasks(sessions, actor) == []

    tell(story)


def test_a_retired_version_is_looked_at_while_a_duty_rests_on_it(
    sessions: Sessions, tell: Callable[[Story], None], tmp_path: Path
) -> None:
    async def story() -> None:
        actor = await a_school(sessions, tmp_path, "NNN//////")
        await evening(sessions, actor, DAYS[2])
        async with sessions.tenant(actor.tenant_id) as session:
            await session.execute(text("update rule_set_version set status = 'RETIRED'"))
        await take_in(sessions, actor, write(tmp_path, marks=correction(DAYS[0], "/", DAYS[5])))
        assert (await evening(sessions, actor, DAYS[5])).duties == 1
        assert (await the_duty(sessions, actor)).basis == "LOST"

    tell(story)
