"""kill -9 of the process that posts webhooks, again and again: every event arrives, of each subject in order."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from models.queries.webhook_deliveries import LEASE
from models.session import engine_for
from tests.keys import opened_on
from tests.orchestration.dispatching import ADDRESS
from tests.orchestration.test_webhooks import Post
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
KILLS = 2
CASES = 6
EVENTS = 15


async def dispatching(database: Database, ahead: float) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.orchestration.dispatching",
        str(ahead),
        env={**os.environ, ADDRESS: database.app_url},
    )


async def killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


def firsts(received: list[str]) -> list[str]:
    """What arrived, each event where it came first."""
    return list(dict.fromkeys(received))


def test_no_event_is_lost_and_the_order_per_subject_holds(database: Database) -> None:
    async def story(post: Post, stack: AsyncExitStack) -> None:
        receiver = await post.receiver()
        await post.hook(receiver.url)
        cases = [uuid4() for _ in range(CASES)]
        told: list[str] = []

        async def talk() -> None:
            for _ in range(EVENTS):
                for case_id in cases:
                    told.extend(await post.tell(case_id))

        for kill in range(KILLS):
            process = await dispatching(database, kill * (LEASE.total_seconds() + 1))
            stack.push_async_callback(killed, process)
            talking = asyncio.create_task(talk())
            heard = len(receiver.heard)
            await receiver.until(heard + 20 + 7 * kill)
            await killed(process)
            await talking
        last = await dispatching(database, KILLS * (LEASE.total_seconds() + 1))
        stack.push_async_callback(killed, last)
        while set(receiver.accepted) != set(told):  # noqa: ASYNC110 - the requests of another process
            await asyncio.sleep(0.02)
        seen = post.order(firsts(receiver.accepted))
        assert {case_id: numbers == list(range(KILLS * EVENTS)) for case_id, numbers in seen.items()} == dict.fromkeys(
            cases, True
        )

    async def tell() -> None:
        engine = engine_for(database.app_url)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            post = Post(opened_on(engine), stack)
            stack.push_async_callback(post.poster.close)
            await post.found()
            await story(post, stack)

    asyncio.run(tell())


def test_the_control_sees_an_order_that_is_broken() -> None:
    first, second = str(UUID(int=1)), str(UUID(int=2))
    assert firsts([second, first, second]) == [second, first] != [first, second]
