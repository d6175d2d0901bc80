"""Duties: opened once by the pass whatever became of a case, cleared only by the required artifact, looked at again."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from models.duties import Duty
from models.instances import Instance
from models.session import Sessions
from models.students import Student
from rules.duties.words import DutyArtifact, DutyState
from rules.errors import DomainError
from services import duties
from services.context import Actor
from services.duties import CloseDuty, DecideDutyBasis, DutyChoice
from tests.services.districts import a_tenant, calendar, school, school_days, take_in, write
from tests.services.owing import (
    DAYS,
    REMOVAL,
    REPORT,
    SOON,
    Story,
    a_school,
    activate,
    at,
    open_tasks,
    rows,
    the_duty,
    told,
)
from tests.services.test_nightly import correction, evening, marks

pytestmark = pytest.mark.servers


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
