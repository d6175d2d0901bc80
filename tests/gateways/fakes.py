"""Gateways in memory, held to the same contract tests as the real ones."""

import os
from datetime import datetime
from hashlib import sha256 as digest
from uuid import UUID

from gateways.mailer import compose
from gateways.ports import (
    MailDeferred,
    MailOutcome,
    MailReceipt,
    OutgoingMail,
    Removal,
    StoredObject,
    WrappedKey,
    WrongKey,
)
from rules.errors import Conflict, Invalid, NotFound


class FakeObjectStore:
    """Objects in a dictionary; `retained` keeps what was asked for."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.retained: dict[str, datetime] = {}

    async def put_once(
        self, key: str, content: bytes, *, sha256: str, retain_until: datetime | None = None
    ) -> StoredObject:
        if digest(content).hexdigest() != sha256:
            raise Invalid("checksum_mismatch", f"The bytes for {key} are not those of the given SHA-256.")
        if key in self.objects:
            present = self._described(key)
            if present.sha256 != sha256:
                raise Conflict("object_differs", f"{key} already holds other bytes.", stored_sha256=present.sha256)
            return present
        self.objects[key] = content
        if retain_until is not None:
            self.retained[key] = retain_until
        return StoredObject(key, sha256, len(content), created=True)

    async def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise NotFound("object_not_found", f"There is no object {key}.")
        return self.objects[key]

    async def head(self, key: str) -> StoredObject | None:
        return self._described(key) if key in self.objects else None

    async def remove_all(self, prefix: str) -> Removal:
        wanted = [key for key in self.objects if key.startswith(prefix)]
        for key in wanted:
            if key not in self.retained:
                del self.objects[key]
        locked = sum(1 for key in wanted if key in self.retained)
        return Removal(len(wanted) - locked, locked)

    def _described(self, key: str) -> StoredObject:
        content = self.objects[key]
        return StoredObject(key, digest(content).hexdigest(), len(content))


class FakeMailer:
    """Keeps what it takes, as it would travel; `refusals` maps an address to the code it gets, 0 for no connection."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMail] = []
        self.raw: list[bytes] = []
        self.refusals: dict[str, int] = {}

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        code = self.refusals.get(mail.recipient)
        if code is not None and code < 500:
            raise MailDeferred(code)
        if code is not None:
            return MailReceipt(MailOutcome.REFUSED, mail.message_id, code, "refused")
        self.raw.append(compose(mail))
        self.sent.append(mail)
        return MailReceipt(MailOutcome.ACCEPTED, mail.message_id, 250, "OK")


class FakeKeyRing:
    """Wraps by remembering."""

    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[UUID, str, bytes]] = {}

    def new_data_key(self, tenant_id: UUID, subject: str) -> tuple[bytes, WrappedKey]:
        data_key = os.urandom(32)
        return data_key, self.wrap(tenant_id, subject, data_key)

    def wrap(self, tenant_id: UUID, subject: str, data_key: bytes) -> WrappedKey:
        ticket = os.urandom(16)
        self._kept[ticket] = (tenant_id, subject, data_key)
        return WrappedKey(ticket, "fake")

    def unwrap(self, tenant_id: UUID, subject: str, key: WrappedKey) -> bytes:
        tenant, bound, data_key = self._kept.get(key.wrapped, (None, "", b""))
        if (tenant, bound, key.tenant_key_id) != (tenant_id, subject, "fake"):
            raise WrongKey("the data key does not open")
        return data_key
