"""The product in one process: the API, the worker and the relay on real servers, and a district whose letters wait."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.boundary import Boundary
from activities.registry import ActivityDependencies, build
from api.dependencies import ApiDependencies
from api.security import DemoTokens
from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.object_store import S3ObjectStore, StoreAddress
from models.session import engine_for
from orchestration.carriers import CaseCarriers
from orchestration.codec import EncryptedPayloads, data_converter
from orchestration.handles import CaseHandles
from orchestration.relay import Relay
from orchestration.working import worker
from services.means import Sender, Threads
from tests.api.district import KEY
from tests.keys import RING, opened_on
from tests.servers.kinds import Database, MailServer, Store, TemporalDev
from workflows.identity import SEARCH_ATTRIBUTES

Result = TypeVar("Result")
CODEC = EncryptedPayloads({"live": b"l" * 32}, "live")
PATIENCE = 240


class Loop:
    """An event loop in a thread of its own: worker and relay go on whatever a test is waiting for."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="live", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class Servers:
    """The real servers that the stack stands on."""

    database: Database
    temporal: TemporalDev
    store: Store
    mail: MailServer


@asynccontextmanager
async def product(on: Servers) -> AsyncIterator[ApiDependencies]:
    """Worker, relay and the parts of the API, in a Temporal namespace of their own."""
    client = await _namespace(on.temporal, f"live-{uuid4().hex[:12]}")
    sessions = opened_on(engine_for(on.database.app_url, pool_size=20))
    at = on.store
    place = StoreAddress(at.bucket, at.region, at.endpoint, at.access_key, at.secret_key)
    means = ActivityDependencies(
        sessions=sessions,
        store=S3ObjectStore(place, threads=2),
        mailer=SmtpMailer(SmtpAddress(on.mail.host, on.mail.port)),
        keyring=RING,
        threads=Threads(2),
        sender=Sender("attendance@oak.example.org"),
    )
    stop = asyncio.Event()
    async with worker(client, build(means), [Boundary(sessions)], None):
        relay = asyncio.create_task(Relay(sessions, CaseCarriers(sessions, client).by_kind(), now).run(stop))
        yield ApiDependencies(
            sessions=sessions, tokens=DemoTokens(KEY), clock=now, cases=CaseHandles(client), means=means
        )
        stop.set()
        await relay
        async for case in client.list_workflows("ExecutionStatus = 'Running'"):
            await over(client, case.id)
    await means.threads.close()
    await sessions.engine.dispose()


async def over(client: Client, case_id: str) -> None:
    """End a case unless it has just ended by itself."""
    try:
        await client.get_workflow_handle(case_id).terminate("the tests are over")
    except RPCError as refused:
        if refused.status is not RPCStatusCode.NOT_FOUND:
            raise


def now() -> datetime:
    return datetime.now(UTC)


async def _namespace(server: TemporalDev, name: str) -> Client:
    """A namespace of this stack's own: the worker's task queue has one name, and others work on the same server."""
    first = await server.client()
    kept = Duration(seconds=int(timedelta(days=1).total_seconds()))
    await first.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=kept)
    )
    client = await Client.connect(server.address, namespace=name, data_converter=data_converter(CODEC))
    kinds = {key.name: key.indexed_value_type.value for key in SEARCH_ATTRIBUTES}
    named = AddSearchAttributesRequest(namespace=name, search_attributes=kinds)  # type: ignore[arg-type]  # protobuf enum values
    async with asyncio.timeout(PATIENCE):
        await _accepted(lambda: client.operator_service.add_search_attributes(named))
        # every part of the server must have heard of the namespace: the last one refuses starts until then
        await _accepted(lambda: client.start_workflow("Ready", id="ready", task_queue="nobody"))
    await client.get_workflow_handle("ready").terminate("it was only asked whether it could start")
    return client


async def _accepted(ask: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await ask()
        except RPCError:
            await asyncio.sleep(0.1)
        else:
            return
