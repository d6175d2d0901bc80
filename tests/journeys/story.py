"""Tells one story: days pass, the register comes in of an evening, staff decide, and what came of it can be read."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from models.instances import Event, Instance, Proposal, Task
from models.letters import LetterArtifact
from models.people import School
from models.reliability import Outbox
from models.students import Student
from orchestration.carriers import CaseCarriers
from orchestration.handles import CaseAddress, CaseHandles
from orchestration.relay import Relay
from rules.ladder import commands
from rules.ladder.steps import Idle, next_step
from services import artifacts, contacts
from services.contacts import RecordContact
from services.context import Actor
from services.means import Means
from tests.journeys.district import ABSENT, ZONE, District
from tests.servers.kinds import Caught, MailServer
from workflows.identity import nightly_id
from workflows.messages import View

T = TypeVar("T")
EVENING = time(19, 15)
POLL = 0.01
TRIES = 1500


class Story:
    """One school, one or a few children, one clock; `child` is the one the story is about unless it names another."""

    def __init__(
        self, district: District, means: Means, env: WorkflowEnvironment, client: Client, mail: MailServer
    ) -> None:
        self.district, self.means, self.env, self.client, self.mail = district, means, env, client, mail
        self.register = district.register
        self.child = self.register.children[0].name
        self.handles = CaseHandles(client)
        self.relay = Relay(means.sessions, CaseCarriers(means.sessions, client).by_kind(), lambda: self.now)
        self.now = datetime(1970, 1, 1, tzinfo=UTC)
        self.passes: set[UUID] = set()

    # Time and the register ----------------------------------------------------------------------------------------

    async def until(self, at: datetime) -> None:
        """Time passes and nothing else; what falls due on the way happens."""
        self.now = await self.env.get_current_time()
        if at > self.now:
            await self.env.sleep(at - self.now)
            self.now = await self.env.get_current_time()
        await self.settled()

    async def day(self, day: str, at: time = time(9, 30)) -> None:
        """Go to a local time of a day, in the morning unless told otherwise."""
        await self.until(datetime.combine(date.fromisoformat(day), at, ZoneInfo(ZONE)).astimezone(UTC))

    def absent(self, *days: str, code: str = ABSENT, child: str | None = None) -> None:
        """Away all day; said before the evening of that day."""
        for day in days:
            self.register.away[child or self.child, date.fromisoformat(day)] = code

    async def evening(self, day: str) -> None:
        """The register of the day and of all days before comes in, and the nightly pass runs."""
        await self.day(day, EVENING)
        await self.district.take_marks(date.fromisoformat(day), self.now)
        await self.flow()

    async def evenings(self, last: str) -> None:
        """Every evening of a school day from the last one taken in up to this one."""
        for day in self.register.open_days(self.register.taken_through + timedelta(days=1), date.fromisoformat(last)):
            await self.evening(day.isoformat())

    async def correct(self, day: str, code: str, child: str | None = None) -> None:
        """The school amends its register now; the correction comes in with the next evening."""
        when = date.fromisoformat(day)
        for half in ("AM", "PM"):
            row = self.register.row(child or self.child, when, half, code, self.now)
            self.register.corrections.append(row)

    async def flow(self) -> None:
        """The outbox reaches Temporal; the nightly pass that an import asks for runs to its end."""
        await self._carry()
        for row in await self.rows(Outbox, Outbox.kind == "import.finished", Outbox.status == "DELIVERED"):
            if row.id not in self.passes:
                because = row.subject.replace("/", "-")
                night = f"{nightly_id(self.district.actor.tenant_id, ZONE)}:{because}"
                await self.client.get_workflow_handle(night).result()
                self.passes.add(row.id)
        await self._carry()
        await self.settled()

    async def _carry(self) -> None:
        while await self.relay.round():
            pass

    async def settled(self) -> None:
        for instance in await self.rows(Instance):
            if instance.revision or instance.status != "STARTING" or await self._started(instance):
                await self._settled(instance)

    async def _started(self, instance: Instance) -> bool:
        wanted = "select count(*) from outbox where subject = :id and kind = 'instance.start' and status = 'DELIVERED'"
        async with self.tenant() as session:
            return bool(await session.scalar(text(wanted), {"id": str(instance.id)}))

    async def _settled(self, instance: Instance) -> None:
        handle, before = self._handle(instance), None
        for _ in range(TRIES):
            seen = await handle.describe()
            raw = seen.raw_description
            if seen.close_time is not None:
                return
            at = seen.history_length
            if not raw.pending_activities and not raw.HasField("pending_workflow_task") and at == before:
                view = await self._view(instance)
                if isinstance(next_step(view.state, self.now), Idle):
                    return
            before = at
            await asyncio.sleep(POLL)
        view = await self._view(instance)
        raise AssertionError(f"never came to rest: {view.phase} {view.details} {view.state}")

    def _handle(self, instance: Instance) -> WorkflowHandle[Any, View]:
        return self.client.get_workflow_handle(self._address(instance).workflow_id)

    def _address(self, instance: Instance) -> CaseAddress:
        return CaseAddress(self.district.actor.tenant_id, instance.school_year, instance.id)

    async def _view(self, instance: Instance) -> View:
        return await self.handles.view(self._address(instance))

    # What can be read ---------------------------------------------------------------------------------------------

    def tenant(self) -> Any:
        return self.means.sessions.tenant(self.district.actor.tenant_id)

    async def rows(self, table: type[T], *where: Any) -> list[T]:
        key: Any = table
        async with self.tenant() as session:
            return list((await session.scalars(select(table).where(*where).order_by(key.id))).all())

    async def student(self, child: str | None = None) -> UUID:
        return (await self.rows(Student, Student.source_id == (child or self.child)))[0].id

    async def school_id(self) -> UUID:
        return (await self.rows(School))[0].id

    async def cases(self, child: str | None = None) -> list[Instance]:
        return await self.rows(Instance, Instance.student_id == await self.student(child))

    async def case(self, child: str | None = None) -> Instance:
        """The child's latest case as the database sees it."""
        found = await self.cases(child)
        assert found, "no case was opened"
        return found[-1]

    async def view(self, child: str | None = None) -> View:
        return await self._view(await self.case(child))

    async def stands(self, child: str | None = None) -> str:
        """Where the case stands, in a word or two: `WAITING letter-1`, `CLOSED STOPPED EXEMPT`."""
        case = await self.case(child)
        if case.phase == "CLOSED":
            return " ".join(filter(None, ("CLOSED", case.status, case.close_reason)))
        hold = f" {case.hold_kind}" if case.hold_kind else ""
        return f"{case.phase}{hold} {case.stage_key or ''}".strip()

    async def events(self, child: str | None = None) -> list[str]:
        return [event.type for event in await self.told(child)]

    async def told(self, child: str | None = None, kind: str | None = None) -> list[Event]:
        found = await self.rows(Event, Event.instance_id == (await self.case(child)).id)
        return [event for event in found if kind in (None, event.type)]

    async def proposal(self, child: str | None = None) -> Proposal:
        """The step that waits for a person."""
        waiting = Proposal.status.in_(("PENDING", "HELD", "APPROVED"))
        found = await self.rows(Proposal, Proposal.instance_id == (await self.case(child)).id, waiting)
        assert found, f"nothing waits: {await self.stands(child)}"
        return found[-1]

    async def proposals(self, child: str | None = None) -> list[str]:
        found = await self.rows(Proposal, Proposal.instance_id == (await self.case(child)).id)
        return [f"{row.kind} {row.stage_key} {row.status}".replace("  ", " ") for row in found]

    async def tasks(self, status: str = "OPEN") -> list[str]:
        return [task.kind for task in await self.rows(Task, Task.status == status)]

    async def letters(self, *, verified: bool = True) -> list[LetterArtifact]:
        """The stored letters; each is read back from the store and its hash is checked."""
        found = await self.rows(LetterArtifact, LetterArtifact.kind == "LETTER")
        for letter in found if verified else ():
            checked = await artifacts.verification(self.means, self.district.actor, letter.id)
            assert checked.verified, checked.problem
        return found

    def mails(self) -> list[Caught]:
        return self.mail.messages()

    def mailed_to(self) -> list[str]:
        return [mail.recipients[0] for mail in self.mails()]

    # What people do -----------------------------------------------------------------------------------------------

    async def say(
        self, verb: str, command: type[commands.Command], child: str | None = None, **fields: Any
    ) -> commands.Answer:
        """Somebody gives a command, as the API would; the case is at rest again afterwards."""
        said = await self.says(verb, command, child, **fields)
        await self.settled()
        return said

    async def says(
        self, verb: str, command: type[commands.Command], child: str | None = None, **fields: Any
    ) -> commands.Answer:
        """The same, without waiting for what comes of it."""
        who: Actor = fields.pop("by", self.district.staff.officer)
        given = {"command_id": uuid4().hex, "actor_id": who.person_id, "role": who.role, "reason": "as agreed"}
        told = await self.handles.tell(self._address(await self.case(child)), verb, command(**(given | fields)))
        assert told.answer is not None, f"{verb} was not answered in time"
        return told.answer

    async def approve(self, stage: str, child: str | None = None, **fields: Any) -> commands.Answer:
        """Approve the pending proposal, which must be about this rung."""
        pending = await self.proposal(child)
        assert (pending.stage_key, pending.status) == (stage, "PENDING"), f"{pending.stage_key} {pending.status}"
        who = self.district.staff.leader if pending.approval == "LEADER" else self.district.staff.officer
        return await self.say(
            "approve", commands.Approve, child, **({"proposal_id": pending.id, "by": who, "reason": ""} | fields)
        )

    async def speaks_with_family(self, child: str | None = None, *, reached: bool = True) -> None:
        """A call is recorded and the case hears of it."""
        case, officer = await self.case(child), self.district.staff.officer
        async with self.tenant() as session:
            call = RecordContact(case.id, None, "CALL", reached=reached, said="We talked.")
            done = await contacts.record_contact(session, officer, call, now=self.now)
        await self.say(
            "record_contact", commands.RecordContact, child, contact_id=done.contact_id, reached=reached, on=done.on
        )

    async def outcome(self, outcome: str, child: str | None = None, **fields: Any) -> commands.Answer:
        meeting = (await self.view(child)).state.meeting
        assert meeting is not None, f"no meeting: {await self.stands(child)}"
        given = {"meeting_id": meeting.id, "outcome": outcome, **fields}
        return await self.say("record_meeting_outcome", commands.RecordMeetingOutcome, child, **given)

    async def office(self, act: Callable[..., Any], command: object, *, by: Actor | None = None) -> Any:
        """Staff use a service of the office (exemptions, contact stops, ...); the case hears of it by the outbox."""
        async with self.tenant() as session:
            done = await act(session, by or self.district.staff.officer, command, now=self.now)
        await self.flow()
        return done


def one_after_another(events: Sequence[str], *wanted: str) -> bool:
    """Whether these events happened in this order, others between them."""
    left = iter(events)
    return all(one in left for one in wanted)
