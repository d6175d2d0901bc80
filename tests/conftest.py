"""Fixtures that need a real server; see tests/servers for how one of each kind is shared by a whole pytest run."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.bucket import ensure_bucket
from deploy.local.postgres import Credentials, Server
from deploy.local.storage import StorePlan
from tests.logged import Written, logged
from tests.servers import client
from tests.servers.kinds import Database, MailServer, Store, TemporalDev, TimeSkipping, self_signed
from tests.servers.template import cloned

# Time is not judged in tests: the machine that runs them is somebody else's too.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", settings.get_profile("default"), max_examples=5_000)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the controller owns the servers, xdist workers ask for them
        client.open_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        client.close_run()


@pytest.fixture(scope="session")
def postgres() -> Server:
    """The PostgreSQL of this run: `.dsn()` (superuser), `.owner_url(db)`, `.app_url(db)`."""
    at = client.address("postgres")
    return Server(int(at["port"]), Credentials(at["superuser"], at["owner"], at["app"]))


@pytest.fixture(scope="module")
def database(postgres: Server) -> Iterator[Database]:
    """A fresh clone of the migrated template for this test module; roll back, or clean up, per test."""
    with cloned(postgres) as clone:
        yield clone


@pytest.fixture(scope="session")
def s3_server() -> StorePlan:
    at = client.address("s3")
    port = int(at["endpoint"].rpartition(":")[2])
    return StorePlan(client.run_folder(), client.run_folder(), {"s3": port}, at["access_key"], at["secret_key"])


@pytest.fixture(scope="module")
def s3(s3_server: StorePlan) -> Store:
    """The S3 store with a fresh bucket (object lock) for this test module."""
    store = Store(s3_server, f"test-{secrets.token_hex(6)}")
    ensure_bucket(store.client, store.bucket)
    return store


@pytest.fixture(scope="session")
def temporal_dev() -> TemporalDev:
    """The Temporal development server of this run: `.address`, `await .client(...)`; use ids of your own."""
    return TemporalDev(client.address("temporal")["address"])


@pytest.fixture
def time_skipping(tmp_path: Path) -> TimeSkipping:
    """Time-skipping server for this test alone: `async with await time_skipping.environment(...) as env`."""
    return TimeSkipping(tmp_path)


@pytest.fixture
def smtp_server(tmp_path: Path) -> Iterator[Callable[..., MailServer]]:
    """Start SMTP servers of this test: `smtp_server(login=("u", "p"), tls=True)`; each has `.messages()`."""
    started: list[MailServer] = []

    def start(*, login: tuple[str, str] | None = None, tls: bool = False) -> MailServer:
        server = MailServer(login=login, certificate=self_signed(tmp_path) if tls else None)
        started.append(server.start())
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def smtp(smtp_server: Callable[..., MailServer]) -> MailServer:
    """A plain SMTP server of this test: `.host`, `.port`, `.messages()`, `.refusals[recipient] = "550 ..."`."""
    return smtp_server()


@pytest.fixture
def written() -> Iterator[Written]:
    """What this process logs during the test, set up as the server and the worker do it."""
    with logged() as out:
        yield out
