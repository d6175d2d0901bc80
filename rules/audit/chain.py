"""The hash chain over audit entries: one canonical text per entry, each hash resting on the one before."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

FORMAT: Final = 1
GENESIS: Final = "0" * 64  # what the first entry of a tenant rests on
# Every column of an entry but `tenant_id`, which is bound by name; `detail_sha256` binds the encrypted detail.
SEALED_FIELDS: Final = (
    "id",
    "seq",
    "created_at",
    "at",
    "actor_id",
    "actor_role",
    "actor_display",
    "source",
    "request_id",
    "verb",
    "subject_kind",
    "subject_id",
    "student_id",
    "reason",
    "fields",
    "detail_id",
    "detail_sha256",
)


@dataclass(frozen=True, slots=True)
class Link:
    """Where the chain stands: the last position and its hash."""

    position: int = 0
    hash: str = GENESIS

    def next(self, tenant_id: UUID, entry: Mapping[str, object]) -> "Link":
        """The link of the entry that follows."""
        position = self.position + 1
        said = canonical(tenant_id, position, self.hash, entry)
        return Link(position, sha256(said.encode("ascii")).hexdigest())


def canonical(tenant_id: UUID, position: int, previous: str, entry: Mapping[str, object]) -> str:
    """The text that is hashed: JSON, ASCII, keys sorted, no space, instants in UTC to the microsecond."""
    body = {
        "format": FORMAT,
        "tenant": str(tenant_id),
        "position": position,
        "previous": previous,
        "entry": {name: _plain(entry[name]) for name in SEALED_FIELDS},
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
