"""Duties are cleared by their artifact or with a leader's word and nothing else, and people are reminded of them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from models.instances import Task
from models.people import School
from models.session import Sessions
from models.students import Student
from rules.duties.words import DutyArtifact, DutyState, RegisterEvent
from rules.errors import DomainError
from services import duties, duty_pass, register_events, tasks
from services.context import Actor
from services.duties import CloseDuty, DecideDutyBasis, DutyChoice
from services.register_events import RaiseEvent
from services.tasks import CompleteTask
from tests.services.districts import take_in, write
from tests.services.owing import (
    DAYS,
    Story,
    a_letter,
    a_school,
    at,
    open_tasks,
    released,
    the_duty,
    told,
)
from tests.services.test_nightly import correction, evening

pytestmark = pytest.mark.servers


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
            assert await duties.blocking(session, who[0]) == duty.id
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
            assert await duties.blocking(session, who[0]) is None

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
        assert duty.student_id
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
            said: dict[str, Any] = {"reason": "The other school did.", "evidence": "Their letter."}
            row = await duties.close(
                session, office, CloseDuty(duty.id, DutyState.DONE_ELSEWHERE, **said), now=at(DAYS[5])
            )
            assert (row.status, row.reason, row.evidence) == ("DONE_ELSEWHERE", said["reason"], said["evidence"])

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
