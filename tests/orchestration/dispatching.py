"""A process of its own that carries events to webhooks until it is killed: `python -m tests.orchestration.dispatching`.

Its clock may run ahead by some seconds, so that a test need not wait for the lease of a process that it killed.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from gateways.webhooks import WebhookPoster
from models.session import engine_for
from orchestration.relay import Relay
from orchestration.webhooks import Dispatcher, WebhookMetrics
from tests.keys import RING, opened_on

ADDRESS = "DISPATCHING_DATABASE"


async def work(ahead: timedelta) -> None:
    def clock() -> datetime:
        return datetime.now(UTC) + ahead

    sessions = opened_on(engine_for(os.environ[ADDRESS]))
    poster = WebhookPoster(loopback=True)
    dispatcher = Dispatcher(sessions, RING, poster, clock, WebhookMetrics(CollectorRegistry()))
    stop = asyncio.Event()
    await asyncio.gather(Relay(sessions, {}, clock).run(stop), dispatcher.run(stop))


if __name__ == "__main__":
    asyncio.run(work(timedelta(seconds=float(sys.argv[1]))))
