"""Tells one story: days pass, the register comes in of an evening, staff decide, and what came of it can be read."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from models.instances import Event, Instance, Proposal, Task
from models.letters import LetterArtifact
from models.people import School
from models.queries import outbox
from models.reliability import Outbox
from models.students import Student
from orchestration.carriers import CaseCarriers
from orchestration.handles import CaseAddress, CaseHandles
from orchestration.relay import Relay
from rules.ladder import commands
from services import artifacts, contacts, delivery
from services.contacts import RecordContact
from services.context import Actor
from services.delivery import HandOver
from services.means import Means
from tests.journeys.district import ABSENT, FIRST_DAY, ZONE, District
from tests.servers.kinds import Caught, MailServer
from workflows.identity import nightly_id
from workflows.messages import View

T = TypeVar("T")
EVENING = time(19, 15)
POLL = 0.02
LATER = timedelta(minutes=1)
TRIES = 1500
UNHEARD = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_TIMER_FIRED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
}


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
        self.undo_seconds = 0

    # Time and the register ----------------------------------------------------------------------------------------

    async def until(self, at: datetime) -> None:
        """Time passes and nothing else; what falls due on the way, and at that very instant, happens."""
        self.now = await self.env.get_current_time()
        if at > self.now:
            await self.env.sleep(at + timedelta(seconds=1) - self.now)
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

    async def weeks(self, last: str) -> None:
        """The evening of each week's last school day, up to and with this one."""
        days = self.register.open_days(self.register.taken_through + timedelta(days=1), date.fromisoformat(last))
        for day, after in zip(days, [*days[1:], None], strict=True):
            if after is None or after.isocalendar().week != day.isocalendar().week:
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
        async with self.tenant() as session:
            left, _ = await outbox.lag(session)
        if left:  # a busy machine answered too late: the relay tries again a little later
            await self.env.sleep(LATER)
            self.now = await self.env.get_current_time()
            await self._carry()

    async def settled(self) -> None:
        for instance in await self.rows(Instance):
            if instance.revision or instance.status != "STARTING" or await self._started(instance):
                await self._settled(instance)

    async def _started(self, instance: Instance) -> bool:
        wanted = "select count(*) from outbox where subject = :id and kind = 'instance.start' and status = 'DELIVERED'"
        async with self.tenant() as session:
            return bool(await session.scalar(text(wanted), {"id": str(instance.id)}))

    async def _settled(self, instance: Instance) -> None:
        """The case has taken in all it was told and no effect runs: only timers and people can move it now."""
        handle = self._handle(instance)
        for _ in range(TRIES):
            if at_rest((await handle.fetch_history()).events):
                return
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
            return list((await session.scalars(select(table).where(*where).order_by(key.created_at, key.id))).all())

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

    async def must_stand(self, where: str, child: str | None = None) -> None:
        found = await self.stands(child)
        assert found == where, f"{found} instead of {where} after {(await self.events(child))[-8:]}"

    async def events(self, child: str | None = None) -> list[str]:
        return [event.type for event in await self.told(child)]

    async def told(self, child: str | None = None, kind: str | None = None) -> list[Event]:
        found = await self.rows(Event, Event.instance_id == (await self.case(child)).id)
        return [event for event in found if kind in (None, event.type)]

    async def proposal(self, child: str | None = None) -> Proposal:
        """The step that waits for a person."""
        waiting = Proposal.status.in_(("PENDING", "HELD", "APPROVED"))
        found = await self.rows(Proposal, Proposal.instance_id == (await self.case(child)).id, waiting)
        assert found, f"nothing waits: {await self.stands(child)} after {(await self.events(child))[-8:]}"
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
        given = {"proposal_id": pending.id, "by": who, "reason": "", **fields}
        answer = await self.say("approve", commands.Approve, child, **given)
        if self.undo_seconds:
            await self.until(self.now + timedelta(seconds=self.undo_seconds + 1))
        return answer

    async def escalates(self, to: str, child: str | None = None) -> commands.Answer:
        return await self.say("escalate", commands.Escalate, child, to=to, reason="The family asked for it.")

    async def leaves(self, last: str, child: str | None = None) -> None:
        """The school takes the child off its roll: this was the last day."""
        name = child or self.child
        self.register.gone[name] = day(last)
        await self.district.take_enrolments([[name, "oak", FIRST_DAY, day(last), ""]], self.now)

    async def speaks_with_family(self, child: str | None = None, *, reached: bool = True) -> None:
        """A call is recorded and the case hears of it."""
        case, officer = await self.case(child), self.district.staff.officer
        async with self.tenant() as session:
            call = RecordContact(case.id, None, "CALL", reached=reached, said="We talked.")
            done = await contacts.record_contact(session, officer, call, now=self.now)
        await self.say(
            "record_contact", commands.RecordContact, child, contact_id=done.contact_id, reached=reached, on=done.on
        )

    async def hands_over_the_letter(self, *, posted: bool = False) -> None:
        """Staff gave or posted the newest letter by hand and say so."""
        letter, case = (await self.letters())[-1], await self.case()
        assert letter.guardian_id is not None
        done = HandOver(case.id, letter.guardian_id, self.now.date(), posted=posted)
        async with self.tenant() as session:
            told = await delivery.record_handover(session, self.district.staff.officer, done, now=self.now)
        fields: dict[str, Any] = {
            "guardian_id": letter.guardian_id,
            "handed_over": True,
            "effective_day": told.effective_day,
        }
        await self.say("record_delivery", commands.RecordDelivery, **fields)

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


def at_rest(history: Sequence[HistoryEvent]) -> bool:
    """Whether the workflow has answered all it was told, and every activity it asked for has ended."""
    running: set[int] = set()
    heard = False
    for event in history:
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                heard = True
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                running.add(event.event_id)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                running.discard(event.activity_task_completed_event_attributes.scheduled_event_id)
                heard = False
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                running.discard(event.activity_task_failed_event_attributes.scheduled_event_id)
                heard = False
            case kind if kind in UNHEARD:
                heard = False
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
                return True
    return heard and not running


def day(text: str) -> date:
    return date.fromisoformat(text)


def one_after_another(events: Sequence[str], *wanted: str) -> bool:
    """Whether these events happened in this order, others between them."""
    left = iter(events)
    return all(one in left for one in wanted)
