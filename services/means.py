"""What acts of several steps work with: short transactions, the store, mail, keys and one bounded pool of threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from gateways.ports import KeyRing, Mailer, ObjectStore
from models.session import Sessions

T = TypeVar("T")


class Threads:
    """Drawing and sealing take the processor: they run here, a few at a time, never on the event loop."""

    def __init__(self, many: int) -> None:
        self._pool = ThreadPoolExecutor(many, thread_name_prefix="drawing")

    async def run(self, work: Callable[[], T]) -> T:
        """Wait for the result without holding up anybody else."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def close(self) -> None:
        """Let running work finish."""
        await asyncio.to_thread(self._pool.shutdown)


@dataclass(frozen=True, slots=True)
class Sender:
    """The envelope sender and From address; `reply_to` is a staffed inbox."""

    address: str
    reply_to: str = ""

    @property
    def domain(self) -> str:
        """What stands behind the @ of Message-IDs and calendar UIDs."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class Means:
    """Given to every service that must not hold a transaction open while it draws, stores or sends."""

    sessions: Sessions
    store: ObjectStore
    mailer: Mailer
    keyring: KeyRing
    threads: Threads
    sender: Sender
