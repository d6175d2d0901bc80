"""The reconciler against real servers: each disagreement is made on purpose, found, and only the safe one mended."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, update
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from models.delivery import Message, MessageAttempt
from models.instances import Event, Instance
from models.reliability import Outbox
from orchestration.carriers import INTERVENTION, start_case, start_input
from orchestration.codec import EncryptedPayloads, data_converter
from orchestration.reconcile import FindingKind, Report, reconcile, reconcile_all
from rules.ladder.state import State
from rules.ladder.words import Phase, Status
from services import delivery, letters
from services.letter_merge import Writing
from services.letters import Wish
from services.starting import starting
from tests.servers.kinds import Database, MailServer, Store, TemporalDev
from tests.services.seeding import BASIS, LETTER_1, NOW, Family, World, grace
from workflows import identity

pytestmark = pytest.mark.servers
CODEC = EncryptedPayloads({"test": b"k" * 32}, "test")
Kinds = list[tuple[FindingKind, UUID | None]]


class Watched:
    """A world with Temporal beside it; every workflow a test began is terminated at its end."""

    def __init__(self, world: World, temporal: TemporalDev) -> None:
        self.world = world
        self.client: Client = world.run(temporal.client(data_converter=data_converter(CODEC)))
        self._begun: list[str] = []

    def set_instance(self, family: Family, **values: object) -> None:
        self.world.change(family, update(Instance).where(Instance.id == family.instance_id).values(**values))

    def start(self, family: Family) -> str:
        """The instance's workflow as the relay starts it; no worker takes it up."""

        async def begin() -> str:
            async with self.world.sessions.tenant(family.tenant_id) as session:
                found = await starting(session, family.instance_id)
            await start_case(self.client, found, identity.sweep(family.tenant_id))
            return identity.ladder_id(family.tenant_id, found.school_year, family.instance_id)

        return self._visible(self.world.run(begin()))

    def stray(self, family: Family, instance_id: UUID, *, phase: str = "WAITING", stage: str = "letter-1") -> str:
        """A workflow of this tenant that shows a phase and a stage."""

        async def begin() -> str:
            async with self.world.sessions.tenant(family.tenant_id) as session:
                found = await starting(session, family.instance_id)
            shown = ((identity.TENANT, str(family.tenant_id)), (identity.PHASE, phase), (identity.STAGE, stage))
            workflow_id = f"att:{family.tenant_id}:{found.school_year}:{instance_id}"
            await self.client.start_workflow(
                INTERVENTION,
                start_input(found),
                id=workflow_id,
                task_queue=f"nobody-{uuid4()}",
                search_attributes=TypedSearchAttributes([SearchAttributePair(key, value) for key, value in shown]),
            )
            return workflow_id

        return self._visible(self.world.run(begin()))

    def _visible(self, workflow_id: str) -> str:
        """Wait until the list knows of it: the visibility store lags behind."""

        async def listed() -> bool:
            return bool([one async for one in self.client.list_workflows(f"WorkflowId = '{workflow_id}'")])

        async def look() -> None:
            async with asyncio.timeout(30):
                while not await listed():  # noqa: ASYNC110 - another process: nothing tells us
                    await asyncio.sleep(0.05)

        self._begun.append(workflow_id)
        self.world.run(look())
        return workflow_id

    def look(self, family: Family, *, repair: bool = False) -> Report:
        """An hour from now, when everything of this test is old enough to be judged."""
        later = datetime.now(UTC) + timedelta(hours=1)
        return self.world.run(reconcile(self.world.sessions, self.client, family.tenant_id, now=later, repair=repair))

    def kinds(self, family: Family) -> Kinds:
        return [(finding.kind, finding.instance_id) for finding in self.look(family).findings]

    def terminate(self, workflow_id: str) -> None:
        self._begun.remove(workflow_id)
        self.world.run(self.client.get_workflow_handle(workflow_id).terminate())

    def close(self) -> None:
        for workflow_id in list(self._begun):
            self.terminate(workflow_id)


@pytest.fixture
def watched(database: Database, s3: Store, smtp: MailServer, temporal_dev: TemporalDev) -> Iterator[Watched]:
    world = World(database, s3, smtp)
    one = Watched(world, temporal_dev)
    yield one
    one.close()
    world.close()


def letter(watched: Watched, family: Family, *, deliver: bool) -> UUID:
    """One letter of the case, stored, and perhaps sent."""
    means = watched.world.means

    async def write() -> UUID:
        wish = Wish("LETTER_1_ATTENDANCE", LETTER_1.key, channels=LETTER_1.channels)
        async with means.sessions.tenant(family.tenant_id) as session:
            (one,) = await letters.plan(session, family.case(f"{family.instance_id}/1"), wish)
        writing = Writing(one.guardian_id, one.language, BASIS)
        made = await letters.issue(means, family.case(f"{family.instance_id}/2"), one.message_id, writing)
        if deliver:
            await delivery.deliver(means, family.case(f"{family.instance_id}/3"), made.artifact_id)
        return made.artifact_id

    return watched.world.run(write())


def event(family: Family, artifact_id: UUID) -> object:
    """The workflow's report that a letter was sent."""
    return insert(Event).values(
        instance_id=family.instance_id,
        student_id=family.student_id,
        school_id=family.school_id,
        type="LETTER_SENT",
        occurred_at=NOW,
        data={"artifact_id": str(artifact_id)},
    )


def test_where_row_and_workflow_agree_nothing_is_found(watched: Watched) -> None:
    family = watched.world.family()
    watched.start(family)
    report = watched.look(family)
    assert (report.instances, report.workflows, report.findings) == (1, 1, ())


def test_a_case_that_never_started_is_found_and_repaired_once(watched: Watched) -> None:
    family = watched.world.family()
    watched.set_instance(family, status="STARTING", revision=0)
    assert watched.kinds(family) == [(FindingKind.NOT_STARTED, family.instance_id)]
    assert watched.look(family, repair=True).repaired == 1
    (row,) = watched.world.rows(family, Outbox, Outbox.kind == "instance.start")
    assert row.payload == {"instance_id": str(family.instance_id)}
    assert watched.look(family, repair=True).findings == ()


def test_a_lost_workflow_goes_on_from_what_its_row_remembers(watched: Watched) -> None:
    family = watched.world.family()
    kept = State(status=Status.ACTIVE, phase=Phase.WAITING, revision=7, effects=12).model_dump(mode="json")
    watched.set_instance(family, status="ACTIVE", phase="WAITING", revision=7, state=kept)
    report = watched.look(family, repair=True)
    assert [(finding.kind, finding.mendable) for finding in report.findings] == [(FindingKind.WORKFLOW_MISSING, True)]
    (row,) = watched.world.rows(family, Outbox, Outbox.kind == "instance.start")
    assert (report.repaired, row.payload) == (1, {"instance_id": str(family.instance_id)})
    watched.start(family)
    assert watched.look(family).findings == ()


def test_a_case_that_was_walking_and_is_not_remembered_is_never_started_again(watched: Watched) -> None:
    family = watched.world.family()
    watched.set_instance(family, status="ACTIVE", phase="WAITING", revision=7)
    report = watched.look(family, repair=True)
    assert [finding.kind for finding in report.findings] == [FindingKind.WORKFLOW_MISSING]
    assert report.repaired == 0
    assert watched.world.rows(family, Outbox) == []


def test_a_workflow_that_ended_while_its_row_is_open_is_found(watched: Watched) -> None:
    family = watched.world.family()
    watched.terminate(watched.start(family))
    assert watched.kinds(family) == [(FindingKind.WORKFLOW_ENDED, family.instance_id)]


def test_a_workflow_without_a_row_and_one_whose_row_is_closed_are_found(watched: Watched) -> None:
    family = watched.world.family()
    watched.start(family)
    watched.set_instance(family, closed_at=NOW, status="STOPPED", phase="CLOSED")
    unknown = watched.stray(family, uuid4())
    report = watched.look(family)
    assert {finding.kind for finding in report.findings} == {FindingKind.WORKFLOW_WITHOUT_ROW}
    assert {finding.instance_id for finding in report.findings} == {None, family.instance_id}
    assert unknown in {finding.subject for finding in report.findings}


@pytest.mark.parametrize(
    ("phase", "found"), [("WAITING", []), ("AWAITING_APPROVAL", [FindingKind.OUT_OF_STEP])], ids=["same", "older"]
)
def test_a_row_and_a_workflow_at_different_points_are_out_of_step(
    watched: Watched, phase: str, found: Sequence[FindingKind]
) -> None:
    family = watched.world.family()
    watched.set_instance(family, phase="WAITING", stage_key="letter-1", revision=9)
    watched.stray(family, family.instance_id, phase=phase)
    assert [kind for kind, _ in watched.kinds(family)] == found


def sent_unknown(watched: Watched, family: Family) -> None:
    letter(watched, family, deliver=True)


def known_not_sent(watched: Watched, family: Family) -> None:
    made = letter(watched, family, deliver=False)
    watched.world.change(family, update(Message).values(status="FAILED"))
    watched.world.change(family, event(family, made))


def stored_not_sent(watched: Watched, family: Family) -> None:
    letter(watched, family, deliver=False)
    watched.set_instance(family, phase="WAITING")


def in_doubt(watched: Watched, family: Family) -> None:
    made = letter(watched, family, deliver=True)
    watched.world.change(family, event(family, made))
    watched.world.change(family, update(Message).values(status="SENDING"))
    watched.world.change(family, update(MessageAttempt).values(status="SENDING"))


def known_and_sent(watched: Watched, family: Family) -> None:
    watched.world.change(family, event(family, letter(watched, family, deliver=True)))


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (sent_unknown, {FindingKind.SENT_BUT_UNKNOWN}),
        (known_not_sent, {FindingKind.KNOWN_BUT_NOT_SENT}),
        (stored_not_sent, {FindingKind.STORED_BUT_NOT_SENT}),
        (in_doubt, {FindingKind.IN_DOUBT, FindingKind.KNOWN_BUT_NOT_SENT}),
        (known_and_sent, set()),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_letters_that_left_and_letters_that_are_known_are_told_apart(
    watched: Watched, made: Callable[[Watched, Family], None], found: set[FindingKind]
) -> None:
    family, other = watched.world.family(grace()), watched.world.family(grace())
    watched.start(family)
    watched.start(other)
    made(watched, family)
    assert {finding.kind for finding in watched.look(family).findings} == found
    assert watched.look(other).findings == ()


def test_the_nightly_look_takes_every_tenant_and_mends_nothing(watched: Watched) -> None:
    one, other = watched.world.family(), watched.world.family()
    watched.set_instance(one, status="STARTING", revision=0)
    later = datetime.now(UTC) + timedelta(hours=1)
    reports = watched.world.run(reconcile_all(watched.world.sessions, watched.client, now=later))
    found = {report.tenant_id: report for report in reports}
    assert found[one.tenant_id].counts == {"NOT_STARTED": 1}
    assert found[other.tenant_id].counts == {"WORKFLOW_MISSING": 1}
    assert watched.world.rows(one, Outbox) == []
