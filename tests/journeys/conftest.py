"""One teller per test: everything real, on a time-skipping server of its own, under a hard timeout."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client

from activities.boundary import Boundary
from activities.registry import ActivityDependencies, build
from gateways.keyring import MasterKeyRing
from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.object_store import S3ObjectStore, StoreAddress
from models.session import engine_for
from models.tenants import Tenant
from orchestration.codec import EncryptedPayloads, data_converter
from orchestration.working import worker
from services.means import Sender, Threads
from tests.journeys.district import FIRST_DAY, Child, District, Register
from tests.journeys.story import Story
from tests.keys import opened_on
from tests.servers.kinds import Database, MailServer, Store, TimeSkipping
from workflows.identity import SEARCH_ATTRIBUTES

PATIENCE = 120
CODEC = EncryptedPayloads({"k1": b"j" * 32}, "k1")
Plot = Callable[[Story], Awaitable[None]]


@dataclass(frozen=True)
class Teller:
    """`tell(plot, ...)` makes a district of its own and tells the plot in it."""

    database: Database
    store: Store
    mail: MailServer
    time_skipping: TimeSkipping
    folder: Path

    def __call__(
        self,
        plot: Plot,
        *,
        children: Sequence[Child] = (Child(),),
        holidays: Sequence[date] = (),
        undo_seconds: int = 0,
    ) -> None:
        register = Register(children, holidays)
        asyncio.run(self._tell(plot, register, undo_seconds))

    async def _tell(self, plot: Plot, register: Register, undo_seconds: int) -> None:
        deps = self._dependencies()
        district = District(deps.sessions, self.folder / "district", register)
        converter = data_converter(CODEC)
        try:
            async with asyncio.timeout(PATIENCE), await self.time_skipping.environment(data_converter=converter) as env:
                start = datetime.combine(FIRST_DAY - timedelta(days=1), datetime.min.time(), UTC)
                await env.sleep(start - await env.get_current_time())
                address = env.client.service_client.config.target_host
                client = await Client.connect(address, data_converter=converter)
                await _register_search_attributes(client)
                await district.establish(undo_seconds=undo_seconds, now=start)
                async with worker(client, build(deps), [Boundary(deps.sessions)], None):
                    story = Story(district, deps, env, client, self.mail)
                    story.undo_seconds = undo_seconds
                    await plot(story)
        finally:
            await self._end(deps, district)

    def _dependencies(self) -> ActivityDependencies:
        place = StoreAddress(
            endpoint=self.store.endpoint,
            bucket=self.store.bucket,
            access_key=self.store.access_key,
            secret_key=self.store.secret_key,
            region=self.store.region,
        )
        return ActivityDependencies(
            sessions=opened_on(engine_for(self.database.app_url)),
            store=S3ObjectStore(place, threads=2),
            mailer=SmtpMailer(SmtpAddress(self.mail.host, self.mail.port)),
            keyring=MasterKeyRing({"test": b"k" * 32}, "test"),
            threads=Threads(2),
            sender=Sender("attendance@oak.example.org"),
        )

    async def _end(self, deps: ActivityDependencies, district: District) -> None:
        """Other stories of this file share the database: this one's outbox must not flow into theirs."""
        if hasattr(district, "actor"):
            async with deps.sessions.tenant(district.actor.tenant_id) as session:
                await session.execute(update(Tenant).values(status="SUSPENDED"))
        assert isinstance(deps.store, S3ObjectStore)
        await deps.store.close()
        await deps.threads.close()
        await deps.sessions.engine.dispose()


async def _register_search_attributes(client: Client) -> None:
    wanted = {key.name: key.indexed_value_type.value for key in SEARCH_ATTRIBUTES}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace="default", search_attributes=wanted)  # type: ignore[arg-type]  # protobuf enum values
    )


@pytest.fixture
def tell(database: Database, s3: Store, smtp: MailServer, time_skipping: TimeSkipping, tmp_path: Path) -> Teller:
    return Teller(database, s3, smtp, time_skipping, tmp_path)
