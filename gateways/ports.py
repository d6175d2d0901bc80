"""What the outside world is to us: one protocol per gateway, and the values that cross it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class StoredObject:
    """One object as the store holds it; `sha256` is that of the stored bytes, in hex."""

    key: str
    sha256: str
    size_bytes: int
    created: bool = False


@dataclass(frozen=True)
class Removal:
    """How many objects a removal took away, and how many their lock still keeps."""

    removed: int
    locked: int


class ObjectStore(Protocol):
    """Write-once storage: a key gets its bytes once, and the same bytes again are the same success."""

    async def put_once(
        self, key: str, content: bytes, *, sha256: str, retain_until: datetime | None = None
    ) -> StoredObject:
        """Store, or find the same bytes stored already (`created` false).

        Raises Conflict("object_differs") when the key holds other bytes, Invalid("checksum_mismatch") when `sha256`
        is not that of `content`.
        """
        ...

    async def get(self, key: str) -> bytes:
        """The bytes; NotFound("object_not_found") when there are none."""
        ...

    async def head(self, key: str) -> StoredObject | None: ...

    async def remove_all(self, prefix: str) -> Removal:
        """Remove every object, old versions too, whose key begins so; no lock is lifted for it."""
        ...


@dataclass(frozen=True)
class Attachment:
    """A file in a mail."""

    filename: str
    content: bytes
    media_type: str = "application/pdf"


@dataclass(frozen=True)
class OutgoingMail:
    """One mail to one person. `message_id` and `sent_at` are the caller's, so that a retry sends the same bytes."""

    message_id: str
    sender_name: str
    sender_address: str
    recipient: str
    subject: str
    text: str
    html: str
    sent_at: datetime
    reply_to: str = ""
    attachments: Sequence[Attachment] = ()
    invitation: bytes | None = None


class MailOutcome(StrEnum):
    """What a mail server says of one message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class MailReceipt:
    """The server's answer; REFUSED is final for this address (5xx), ACCEPTED means it took responsibility."""

    outcome: MailOutcome
    message_id: str
    code: int
    answer: str


class Mailer(Protocol):
    """Sends one mail. Anything that may pass (4xx, no connection) is raised: send the same mail again."""

    async def send(self, mail: OutgoingMail) -> MailReceipt: ...


class MailDeferred(Exception):
    """The mail server asks to try again later; `code` is its answer (0: no connection)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"The mail server deferred the message ({code}); send it again with the same Message-ID.")
        self.code = code


@dataclass(frozen=True)
class WrappedKey:
    """A data key that only the tenant key `tenant_key_id` can open."""

    wrapped: bytes
    tenant_key_id: str


class KeyRing(Protocol):
    """Holds the tenant keys; data keys leave it only to seal or open one record."""

    def new_data_key(self, tenant_id: UUID, subject: str) -> tuple[bytes, WrappedKey]:
        """A fresh data key, plain and wrapped; `subject` (student and record class) is bound into the wrapping."""
        ...

    def wrap(self, tenant_id: UUID, subject: str, data_key: bytes) -> WrappedKey: ...

    def unwrap(self, tenant_id: UUID, subject: str, key: WrappedKey) -> bytes:
        """The plain data key; WrongKey when it was not wrapped for this tenant and subject."""
        ...


class WrongKey(Exception):
    """Sealed bytes or a wrapped key do not open: another key, another record, or tampered with."""
