"""Composition root of the Temporal worker: builds the parts, carries the outbox, works until told to stop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from temporalio.client import Client
from temporalio.service import RPCError

from activities.boundary import Boundary
from activities.registry import ActivityDependencies, build
from gateways import logs
from gateways.kafka_address import KafkaAddress
from gateways.keyring import MasterKeyRing
from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.object_store import STORE_AWAY, S3ObjectStore, StoreAddress
from gateways.webhooks import WebhookPoster
from models.session import DATABASE_AWAY, Sessions, engine_for
from orchestration.carriers import CaseCarriers
from orchestration.client import TemporalAddress, connect, temporal_answers
from orchestration.codec import EncryptedPayloads
from orchestration.deployment import build_id, deployment, make_current
from orchestration.reconcile import reconcile_all
from orchestration.relay import Relay
from orchestration.schedules import ensure_schedules
from orchestration.sealer import ANCHOR_LOOK_SECONDS, Sealer
from orchestration.webhooks import COUNT_SECONDS, Dispatcher, WebhookMetrics
from orchestration.witness import LOOK_SECONDS, Witness
from orchestration.working import worker
from services.audit_keys import sessions_with
from services.means import Means, Sender, Threads
from settings import Settings, parse_keys, secret

READY = "HANDRAIL WORKER READY"  # the supervisor of the embedded stack waits for this line
NEEDED = ("database_url", "temporal_address", "payload_keys", "master_keys", "smtp_host")
LOCK_FILE = Path(__file__).with_name("requirements.lock")
SCHEDULES_EVERY_SECONDS = 60.0
RECONCILE_EVERY_SECONDS = 24 * 3600.0  # and once at every start
AGAIN_SECONDS = 60.0  # what could not be done is tried again this soon, however seldom it is due
APART_SECONDS = 0.25  # the first looks begin one after another, and so share connections
THREADS = 4
AWAY = (*DATABASE_AWAY, *STORE_AWAY, RPCError, TimeoutError)

log = logging.getLogger("handrail.worker")


async def work() -> None:
    """Run until SIGTERM or Ctrl-C."""
    settings = Settings.load().require(*NEEDED)
    logs.configure(settings.log_level)
    stop = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    engine = engine_for(secret(settings.database_url), pool_size=settings.database_pool_size)
    sessions = sessions_with(engine, keyring(settings))
    client = await connected(settings)
    await temporal_answers(client)
    build_name = build_id([LOCK_FILE])
    means = dependencies(settings, sessions)
    await first_look(Witness(sessions, client, now), stop)
    running = worker(client, build(means), [Boundary(sessions)], deployment(build_name, settings.worker_versioning))
    async with running:
        await make_current(client, build_name)
        print(READY, flush=True)  # noqa: T201 - the supervisor reads it
        await beside(stop, means, client, settings)
    await means.threads.close()
    await sessions.engine.dispose()


async def connected(settings: Settings) -> Client:
    """The Temporal client with every configured payload key; the first encrypts."""
    api_key = None if settings.temporal_api_key is None else secret(settings.temporal_api_key)
    tls = settings.temporal_tls or api_key is not None
    where = TemporalAddress(settings.temporal_address or "", settings.temporal_namespace, tls, api_key)
    assert settings.payload_keys is not None
    keys = parse_keys(settings.payload_keys)
    return await connect(where, EncryptedPayloads(keys, next(iter(keys))), worker=True)


def keyring(settings: Settings) -> MasterKeyRing:
    """The master keys; the first wraps."""
    assert settings.master_keys is not None
    masters = parse_keys(settings.master_keys)
    return MasterKeyRing(masters, next(iter(masters)))


def dependencies(settings: Settings, sessions: Sessions) -> ActivityDependencies:
    """Everything that activities reach."""
    access = secret(settings.s3_access_key) if settings.s3_access_key else None
    hidden = secret(settings.s3_secret_key) if settings.s3_secret_key else None
    password = secret(settings.smtp_password) if settings.smtp_password else ""
    return ActivityDependencies(
        sessions=sessions,
        store=S3ObjectStore(StoreAddress(settings.s3_bucket, settings.s3_region, settings.s3_endpoint, access, hidden)),
        mailer=SmtpMailer(
            SmtpAddress(
                settings.smtp_host or "",
                settings.smtp_port,
                settings.smtp_user or "",
                password,
                starttls=settings.smtp_starttls,
            )
        ),
        keyring=keyring(settings),
        threads=Threads(THREADS),
        sender=Sender(settings.smtp_from),
    )


async def beside(stop: asyncio.Event, means: Means, client: Client, settings: Settings) -> None:
    """What runs beside the worker until it stops: relay, sealer, webhooks, the schedules of tenants that come later."""
    sessions = means.sessions
    sealer = Sealer(sessions, means.store, now)
    relay = Relay(sessions, CaseCarriers(sessions, client).by_kind(), now)
    registry = CollectorRegistry()
    poster = WebhookPoster(loopback=settings.webhook_loopback)
    dispatcher = Dispatcher(sessions, means.keyring, poster, now, WebhookMetrics(registry))
    showing = shown_at(settings.worker_metrics, registry)
    looks: list[tuple[float, Callable[[], Awaitable[object]]]] = [
        (LOOK_SECONDS, Witness(sessions, client, now).look),
        (COUNT_SECONDS, dispatcher.count),
        (ANCHOR_LOOK_SECONDS, sealer.anchor_all),
        (SCHEDULES_EVERY_SECONDS, lambda: ensure_schedules(sessions, client)),
        (RECONCILE_EVERY_SECONDS, lambda: reconcile_all(sessions, client, now=now())),
    ]
    async with asyncio.TaskGroup() as together:
        for loop in kafka_loops(settings, sessions, registry):
            together.create_task(loop(stop))
        for loop in (relay.run, sealer.run, dispatcher.run):
            together.create_task(loop(stop))
        for turn, (seconds, look) in enumerate(looks):
            together.create_task(every(stop, seconds, look, after=turn * APART_SECONDS))
    await poster.close()
    showing()


async def first_look(witness: Witness, stop: asyncio.Event) -> None:
    """Before any work is taken: after a restore nothing may leave. What is away is waited for."""
    while not stop.is_set():
        try:
            await witness.look()
        except AWAY as away:
            log.warning("waits for the first look: %s", type(away).__name__)
            await asyncio.sleep(1)
        else:
            return


def kafka_loops(
    settings: Settings, sessions: Sessions, registry: CollectorRegistry
) -> list[Callable[[asyncio.Event], Coroutine[Any, Any, None]]]:
    """Out, and in if topics are named; nothing without a broker, whose client is not even loaded then."""
    if settings.kafka_servers is None:
        return []
    password = secret(settings.kafka_password) if settings.kafka_password else None
    where = KafkaAddress(
        settings.kafka_servers, settings.kafka_security, settings.kafka_mechanism, settings.kafka_user, password
    )
    topics = [topic.strip() for topic in settings.kafka_topics.split(",") if topic.strip()]
    made: list[Callable[[asyncio.Event], Coroutine[Any, Any, None]]] = import_module(
        "orchestration.kafka_loops"
    ).kafka_loops(where, topics, settings.kafka_group, sessions, now, registry)
    return made


def shown_at(where: str | None, registry: CollectorRegistry) -> Callable[[], None]:
    """Show the counters at an address, if one is set; the answer ends it."""
    if where is None:
        return lambda: None
    host, _, port = where.rpartition(":")
    server, thread = start_http_server(int(port), host, registry)

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


def now() -> datetime:
    """This process's clock, read here only."""
    return datetime.now(UTC)


async def every(
    stop: asyncio.Event, seconds: float, do: Callable[[], Awaitable[object]], *, after: float = 0.0
) -> None:
    """Do a thing now and then; a database, store or Temporal that is away is tried again next time."""
    await paused(stop, after)
    while not stop.is_set():
        pause = seconds
        try:
            await do()
        except AWAY as away:
            pause = min(seconds, AGAIN_SECONDS)
            log.warning("tried again in %s s: %s", pause, type(away).__name__)
        await paused(stop, pause)


async def paused(stop: asyncio.Event, seconds: float) -> None:
    """Wait, unless told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def main() -> None:
    asyncio.run(work())


if __name__ == "__main__":
    main()
