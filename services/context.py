"""Who acts: the actor that every service command takes and every audit entry names."""

from dataclasses import dataclass
from typing import Literal

from rules.ids import PersonId, TenantId


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a part of the system (then `person_id` is None), acting inside one tenant."""

    tenant_id: TenantId
    person_id: PersonId | None
    role: str
    display: str
    request_id: str
    source: Literal["api", "workflow", "cli", "relay"]


def system(tenant_id: TenantId, source: Literal["workflow", "cli", "relay"], request_id: str) -> Actor:
    """The actor of work that no person asked for."""
    return Actor(tenant_id, None, "system", "Handrail", request_id, source)
