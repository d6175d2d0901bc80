"""What the store says of restores: each names the stretch of the chain that was lost with the database it had."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gateways.ports import ObjectStore
from rules.audit.chain import FORMAT
from rules.errors import NotFound


@dataclass(frozen=True, slots=True)
class AcknowledgedRestore:
    """Everything after `agrees_to` up to `lost_last` was lost; `position` is that of the entry that says so.

    `after_anchor` is the last anchor written before it: what it and those before it hold beyond `agrees_to` is lost.
    """

    number: int
    agrees_to: int
    hash: str
    lost_last: int
    lost_hash: str
    after_anchor: int
    position: int
    entry_id: UUID
    person_id: UUID
    at: str
    reason_sha256: str


def restore_path(tenant_id: UUID, number: int) -> str:
    """Numbered without a gap, as anchors are."""
    return f"{tenant_id}/audit/restores/{number:06d}.json"


def packed(tenant_id: UUID, said: AcknowledgedRestore) -> bytes:
    """The object's bytes: ids, numbers and hashes; the words stand in the audit."""
    body = {
        "format": FORMAT,
        "tenant": str(tenant_id),
        "number": said.number,
        "agrees_to": said.agrees_to,
        "hash": said.hash,
        "lost_first": said.agrees_to + 1,
        "lost_last": said.lost_last,
        "lost_hash": said.lost_hash,
        "after_anchor": said.after_anchor,
        "position": said.position,
        "entry_id": str(said.entry_id),
        "person_id": str(said.person_id),
        "at": said.at,
        "reason_sha256": said.reason_sha256,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


async def all_restores(store: ObjectStore, tenant_id: UUID) -> Sequence[AcknowledgedRestore]:
    """Every acknowledged restore of a tenant, the oldest first."""
    found: list[AcknowledgedRestore] = []
    while True:
        try:
            said = json.loads(await store.get(restore_path(tenant_id, len(found) + 1)))
        except NotFound:
            return found
        found.append(
            AcknowledgedRestore(
                number=said["number"],
                agrees_to=said["agrees_to"],
                hash=said["hash"],
                lost_last=said["lost_last"],
                lost_hash=said["lost_hash"],
                after_anchor=said["after_anchor"],
                position=said["position"],
                entry_id=UUID(said["entry_id"]),
                person_id=UUID(said["person_id"]),
                at=said["at"],
                reason_sha256=said["reason_sha256"],
            )
        )
