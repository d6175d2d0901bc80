"""The keys that audit details are sealed with, as one process holds them: opened once, forgotten soon.

A unit of work carries them (`session.info`), so that every writer of an audit entry has them without being handed them.
"""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from gateways.ports import KeyRing
from models.session import Sessions
from rules.errors import Unavailable
from services.student_keys import AUDIT, DataKey, data_key

CARRIED: Final = "audit_keys"
KEPT_SECONDS: Final = 300.0  # the longest that a destroyed key lies in the memory of a process
MOST: Final = 4096


class AuditKeys:
    """The key ring, and the audit keys opened lately.

    A remembered key only saves the look-up: whoever writes with it says its id, and the statement that writes finds
    the key's row alive or writes nothing. So a key destroyed by another process is never used from here.
    """

    def __init__(self, keyring: KeyRing, clock: Callable[[], float] = monotonic) -> None:
        self.keyring = keyring
        self._clock = clock
        self._opened: OrderedDict[tuple[UUID, UUID | None], tuple[float, DataKey]] = OrderedDict()

    def remembered(self, tenant_id: UUID, student_id: UUID | None) -> DataKey | None:
        """The key if it was opened less than five minutes ago."""
        self._drop_old()
        found = self._opened.get((tenant_id, student_id))
        return found[1] if found else None

    async def fetched(self, session: AsyncSession, tenant_id: UUID, student_id: UUID | None) -> DataKey:
        """The key from the database, made if there never was one; Conflict("key_destroyed") after an erasure."""
        key = await data_key(session, self.keyring, tenant_id, student_id, AUDIT)
        self._opened.pop((tenant_id, student_id), None)
        self._opened[tenant_id, student_id] = (self._clock() + KEPT_SECONDS, key)
        if len(self._opened) > MOST:
            self._opened.popitem(last=False)
        return key

    def forget(self, tenant_id: UUID, student_id: UUID | None) -> None:
        """Drop a key that turned out to be gone."""
        self._opened.pop((tenant_id, student_id), None)

    def _drop_old(self) -> None:
        """Keys are kept in the order of their fetching: the oldest stands first."""
        now = self._clock()
        while self._opened:
            held = next(iter(self._opened))
            if self._opened[held][0] > now:
                return
            del self._opened[held]


def sessions_with(engine: AsyncEngine, keyring: KeyRing) -> Sessions:
    """Units of work that can write audit details: what every composition root opens."""
    return Sessions(engine, {CARRIED: AuditKeys(keyring)})


def carried_by(session: AsyncSession) -> AuditKeys:
    """The keys of this unit of work."""
    keys = session.info.get(CARRIED)
    if not isinstance(keys, AuditKeys):
        raise Unavailable(
            "audit_keys_missing",
            "This cannot be done without its audit detail, which needs the master keys: set HANDRAIL_MASTER_KEYS.",
        )
    return keys
