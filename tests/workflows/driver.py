"""Drives one real workflow on a test server: start, wait for a phase, say things, let virtual time pass."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from rules.ids import InstanceId, PersonId, ProposalId, SchoolId, StudentId, TenantId
from rules.ladder import commands
from rules.ladder.stages import Approval, LadderSnapshot, Stage, StageType
from rules.ladder.state import State
from rules.ladder.words import Phase
from tests.servers.kinds import TimeSkipping
from tests.workflows.fake_ports import FakePorts
from tests.workflows.world import World, start_of
from workflows.identity import SEARCH_ATTRIBUTES, TASK_QUEUE, ladder_id
from workflows.intervention import StudentIntervention
from workflows.messages import Settings, Start, View
from workflows.sandbox import runner

PATIENCE = 90
CONTACT = Stage(key="contact", type=StageType.CONTACT, stage_type="CONTACT", within_school_days=3)
LETTER_1 = Stage(key="letter-1", type=StageType.LETTER, stage_type="LETTER_1", template="L1", wait_school_days=10)
LETTER_2 = Stage(key="letter-2", type=StageType.LETTER, stage_type="LETTER_2", template="L2", wait_school_days=10)
PLAN = Stage(key="plan", type=StageType.PLAN, stage_type="PLAN", within_school_days=10, wait_school_days=20)
NOTICE = Stage(
    key="notice",
    type=StageType.NOTICE,
    stage_type="NOTICE",
    template="N",
    approval=Approval.LEADER,
    wait_school_days=15,
    period_school_weeks=3,
)
REFERRAL = Stage(
    key="referral",
    type=StageType.REFERRAL,
    stage_type="REFERRAL",
    approval=Approval.LEADER,
    within_school_days=10,
    wait_school_days=10,
    recipient="The attendance service",
)
MEETING = Stage(key="meeting", type=StageType.MEETING, stage_type="MEETING", within_school_days=10, max_reschedules=2)
ESCALATION = Stage(
    key="escalation", type=StageType.ESCALATION, stage_type="ESCALATION", case_tier=3, approval=Approval.LEADER
)


def ladder(*stages: Stage, version: int = 1) -> LadderSnapshot:
    plan = LadderSnapshot(rule_set_key="general", rule_set_version=version, digest=f"d{version}", stages=stages)
    return plan.model_copy(update={"follow_up": plan.follow_up.model_copy(update={"relapse_to": stages[-1].key})})


def start_of_case(plan: LadderSnapshot, settings: Settings, state: State | None = None) -> Start:
    return Start(
        tenant_id=TenantId(uuid4()),
        school_id=SchoolId(uuid4()),
        student_id=StudentId(uuid4()),
        instance_id=InstanceId(uuid4()),
        school_year="2026",
        settings=settings,
        state=state or State(ladder=plan),
    )


class Walk:
    """One case under test. Every update names its verb; `until` polls so that the workflow stands at its timer."""

    def __init__(self, env: WorkflowEnvironment | None, handle: WorkflowHandle[Any, View], ports: FakePorts) -> None:
        self._env, self.handle, self.ports, self.world = env, handle, ports, ports.world
        self.said = 0
        self.passing: asyncio.Task[datetime] | None = None
        self.seq = 0

    @property
    def env(self) -> WorkflowEnvironment:
        assert self._env is not None, "this server's time is real"
        return self._env

    async def view(self) -> View:
        return await self.handle.query(StudentIntervention.view)

    async def until(self, settled: Callable[[View], object], what: str = "") -> View:
        for _ in range(1500):
            view = await self.view()
            if settled(view):
                return view
            await asyncio.sleep(0.01)
        raise AssertionError(f"{what} never came: {view.phase} {view.details}\n{self.ports.events()[-12:]}")

    async def phase(self, phase: Phase) -> View:
        return await self.until(lambda v: v.phase == phase.value and not v.state.unreported, phase.value)

    async def pending(self, stage_key: str | None = None) -> View:
        """A proposal of that rung waits for approval, reminders are set."""
        return await self.until(
            lambda v: (
                v.state.proposal
                and not v.state.unreported
                and v.phase in {"AWAITING_APPROVAL", "EXIT_REVIEW", "FOLLOW_UP"}
                and (stage_key is None or v.state.proposal.stage_key == stage_key)
            ),
            f"proposal {stage_key}",
        )

    async def say(self, verb: str, command: type[commands.Command], **fields: Any) -> commands.Answer:
        self.said += 1
        base = {
            "command_id": f"c{self.said}",
            "actor_id": PersonId(UUID(int=7)),
            "role": "attendance_officer",
            "reason": "because",
        }
        answer: commands.Answer = await self.handle.execute_update(
            verb, command(**{**base, **fields}), result_type=commands.Answer
        )
        return answer

    async def approve(self, stage_key: str | None = None, **fields: Any) -> commands.Answer:
        view = await self.pending(stage_key)
        assert view.state.proposal is not None
        return await self.say("approve", commands.Approve, **{"proposal_id": view.state.proposal.id, **fields})

    async def tell(self, signal: str, message: commands.Message) -> None:
        await self.handle.signal(signal, message)

    async def attendance(self, *, corrected: bool = False, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.world, name, value)
        self.seq += 1
        await self.tell("attendance_changed", commands.AttendanceChanged(seq=self.seq, corrected=corrected))
        await self.until(
            lambda v: (
                v.state.last_seq >= self.seq
                and not (v.state.check_due and v.state.phase is Phase.WAITING)
                and not v.state.unreported
            ),
            "attendance",
        )

    async def outcome(self, outcome: str, **fields: Any) -> commands.Answer:
        meeting = (await self.view()).state.meeting
        assert meeting is not None
        return await self.say(
            "record_meeting_outcome",
            commands.RecordMeetingOutcome,
            **{"meeting_id": meeting.id, "outcome": outcome, **fields},
        )

    async def contacted(self, *, reached: bool = True) -> None:
        today = await self.today()
        await self.say("record_contact", commands.RecordContact, contact_id=uuid4(), reached=reached, on=today)

    async def today(self) -> date:
        return (await self.env.get_current_time()).date()

    async def pass_days(self, days: float) -> datetime:
        await self.env.sleep(timedelta(days=days))
        return await self.env.get_current_time()

    def meanwhile(self, days: float) -> asyncio.Task[datetime]:
        """Let days pass beside the story: this server's time stands still while an effect runs."""
        return asyncio.create_task(self.pass_days(days))

    async def result(self) -> View:
        return await self.handle.result()


@contextlib.contextmanager
def refused(code: str) -> Iterator[list[ApplicationError]]:
    """The update must be refused with this stable code."""
    caught: list[ApplicationError] = []
    with pytest.raises(WorkflowUpdateFailedError) as failure:
        yield caught
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == code, f"{cause.type}: {cause}"
    caught.append(cause)


@contextlib.asynccontextmanager
async def walking(
    server: TimeSkipping,
    plan: LadderSnapshot,
    world: World | None = None,
    *,
    undo_seconds: int = 0,
    state: State | None = None,
) -> AsyncIterator[Walk]:
    """A new case on its own time-skipping server, under a hard timeout."""
    ports = FakePorts(world or World())
    async with await server.environment(data_converter=pydantic_data_converter) as env:
        await register(env.client)
        async with worker(env.client, ports), asyncio.timeout(PATIENCE):
            await env.sleep(until_monday(await env.get_current_time()))
            start = start_of_case(plan, Settings(undo_seconds=undo_seconds), state)
            yield Walk(env, await open_case(env.client, start), ports)


def until_monday(now: datetime) -> timedelta:
    """Every story begins on a Monday at six, whatever the day it is told."""
    monday = start_of(now.date() + timedelta(days=7 - now.weekday()))
    return monday + timedelta(hours=6) - now


def worker(client: Client, ports: FakePorts, queue: str = TASK_QUEUE) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflows=[StudentIntervention],
        activities=ports.activities(),
        workflow_runner=runner(),
    )


async def register(client: Client) -> None:
    wanted = {key.name: key.indexed_value_type.value for key in SEARCH_ATTRIBUTES}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace="default", search_attributes=wanted)  # type: ignore[arg-type]  # protobuf enum values
    )


async def open_case(client: Client, start: Start, queue: str = TASK_QUEUE) -> WorkflowHandle[Any, View]:
    identity = ladder_id(start.tenant_id, start.school_year, start.instance_id)
    return await client.start_workflow(StudentIntervention.run, start, id=identity, task_queue=queue)


def proposal_of(view: View) -> ProposalId:
    assert view.state.proposal is not None
    return view.state.proposal.id
