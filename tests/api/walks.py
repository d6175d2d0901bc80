"""Real cases behind the API: the workflow on a real server, the queue in the real database, effects by fake ports."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import httpx
from temporalio.client import Client
from temporalio.worker import Worker

from activities.projection import ProjectionActivities
from activities.proposals import ProposalActivities
from api.ladder import ACCEPTED
from models.tenants import Tenant
from orchestration.carriers import INTERVENTION, start_input
from orchestration.client import TemporalAddress, connect
from orchestration.codec import EncryptedPayloads, data_converter
from orchestration.handles import CaseAddress, CaseHandles
from rules.ladder.state import Basis
from rules.rulesets.ruleset import dump_ruleset, load_pack
from services.starting import starting
from tests.api.district import District
from tests.workflows.fake_ports import FakePorts
from tests.workflows.world import World
from workflows.intervention import StudentIntervention
from workflows.ports.common import Order
from workflows.sandbox import runner

CODEC = EncryptedPayloads({"test": b"k" * 32}, "test")
REAL = {"project", "open_proposal", "remind"}
UNDO_SECONDS = 60
PATIENCE = 1500


class Ports(FakePorts):
    """The fake ports, with a basis that the real queue can explain: the child's register is empty here."""

    def _basis(self, order: Order, digest: str) -> Basis:
        return super()._basis(order, digest).but(values={}, evaluation_id=None)


@dataclass
class Walks:
    """Begins cases and waits until the API shows what they do."""

    district: District
    client: Client
    task_queue: str
    ports: FakePorts

    def begin(self, where: str = "oak", person: str = "attendance_officer", *, flagged: bool = False) -> str:
        """Start a new student's walk through the API, then its workflow on this module's own task queue."""
        student_id = self.district.run(self.district.newcomer(where, flagged=flagged))
        body = {
            "student_id": str(student_id),
            "school_id": str(self.district.ours.schools[where]),
            "rule_set_key": "general",
            "reason": "The class teacher is worried.",
        }
        with self.away():
            answer = self.district.post("/interventions/instances", person, json=body)
        assert answer.status_code == 202, answer.text
        assert answer.json()["running"] is False
        instance_id: str = answer.json()["instance"]["id"]
        self.district.run(self._run(UUID(instance_id)))
        return instance_id

    async def _run(self, instance_id: UUID) -> None:
        async with self.district.sessions.tenant(self.district.ours.id) as session:
            found = await starting(session, instance_id)
        address = CaseAddress(found.tenant_id, found.school_year, found.instance_id)
        await self.client.start_workflow(
            INTERVENTION, start_input(found), id=address.workflow_id, task_queue=self.task_queue
        )

    def until(self, asked: Callable[[], httpx.Response], settled: Callable[[Any], object]) -> Any:
        """Ask until the answer is settled; between two questions the worker has the loop."""
        for _ in range(PATIENCE):
            answer = asked().json()
            if settled(answer):
                return answer
            self.district.run(asyncio.sleep(0.01))
        raise AssertionError(f"never came: {answer}")

    def shown(self, instance_id: str, phase: str) -> Any:
        """The instance once it stands in a phase."""
        path = f"/interventions/instances/{instance_id}"
        return self.until(lambda: self.district.get(path), lambda seen: seen["instance"]["phase"] == phase)

    def waiting(self, instance_id: str) -> Any:
        """The queue's item of an instance, once it is there."""
        path = f"/interventions/instances/{instance_id}"

        def there(seen: Any) -> bool:
            return seen["instance"]["phase"] == "AWAITING_APPROVAL" and seen["waiting"] is not None

        return self.until(lambda: self.district.get(path), there)["waiting"]

    def say(self, instance_id: str, verb: str, person: str = "attendance_officer", **body: Any) -> httpx.Response:
        """A verb, sent again under its key, as the API asks for, while its case has not confirmed it."""
        path, headers = f"/interventions/instances/{instance_id}/{verb}", {"Idempotency-Key": str(uuid4())}
        for _ in range(PATIENCE):
            answer = self.district.post(path, person, json=body, headers=headers)
            if answer.status_code != ACCEPTED:
                break
        return answer

    @contextlib.contextmanager
    def away(self) -> Any:
        """Temporal cannot be reached meanwhile."""
        parts = self.district.app.state.parts
        gone = self.district.run(connect(TemporalAddress("127.0.0.1:1"), CODEC))
        self.district.app.state.parts = replace(parts, cases=CaseHandles(gone))
        try:
            yield
        finally:
            self.district.app.state.parts = parts


@contextlib.asynccontextmanager
async def walking(district: District, address: str) -> AsyncIterator[Walks]:
    """A worker of its own on the shared server; every case it began is terminated at the end."""
    client = await Client.connect(address, data_converter=data_converter(CODEC))
    async with district.sessions.untenanted() as session:
        tenant = await session.get_one(Tenant, district.ours.id)
        tenant.settings = {"ladder": {"undo_seconds": UNDO_SECONDS}}
    ports = Ports(World())
    fakes = [port for port in ports.activities() if port.__name__ not in REAL]
    projection, proposals = ProjectionActivities(district.sessions), ProposalActivities(district.sessions)
    task_queue = f"api-{uuid4()}"
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=[StudentIntervention],
        activities=[*fakes, projection.project, proposals.open_proposal, proposals.remind],
        workflow_runner=runner(),
    )
    district.app.state.parts = replace(district.app.state.parts, cases=CaseHandles(client))
    async with worker:
        yield Walks(district, client, task_queue, ports)
        async for case in client.list_workflows(f"TaskQueue = '{task_queue}' and ExecutionStatus = 'Running'"):
            await client.get_workflow_handle(case.id).terminate("the tests are over")


def activate_general(district: District) -> None:
    """The general rule set in force, by two people."""
    body = {"document": dump_ruleset(load_pack("general")), "reason": "For the autumn term."}
    version_id = district.post("/interventions/rules", json=body).json()["version"]["id"]
    for step, person in (("submit", "district_admin"), ("approve", "school_leader"), ("activate", "district_admin")):
        answer = district.post(f"/interventions/rules/{version_id}/{step}", person, json={"reason": "Agreed."})
        assert answer.status_code == 200, answer.text
