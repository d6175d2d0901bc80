"""Who acts: the actor that every service command takes and every audit entry names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rules.ids import InstanceId, PersonId, SchoolId, StudentId, TenantId


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


@dataclass(frozen=True, slots=True)
class CaseRef:
    """Whose case a workflow's order is about, its effect key, and the workflow's time (services read no clock)."""

    tenant_id: TenantId
    school_id: SchoolId
    student_id: StudentId
    instance_id: InstanceId
    key: str
    now: datetime

    @property
    def actor(self) -> Actor:
        """The workflow as actor; its effect key is the request id."""
        return system(self.tenant_id, "workflow", self.key)
