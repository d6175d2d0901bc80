"""What every order to an activity carries: whose case, under which effect key, and the workflow's time."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from rules.ids import InstanceId, SchoolId, StudentId, TenantId


class PortModel(BaseModel):
    """Base of all port models: frozen values."""

    model_config = ConfigDict(frozen=True)


class Order(PortModel):
    """Base of all orders of a case.

    `key` = workflow id / counter / name. It stays the same over retries, over a resume from NEEDS_STAFF and over
    continue-as-new: whatever changes the world writes it to `effect` in the same transaction and, if it is already
    there, answers what the first execution answered. `now` is the workflow's time; activities read no other clock.
    DomainError -> non-retryable ApplicationError(type=code): the case parks as NEEDS_STAFF. Everything else is
    retried. A suspended tenant raises a *retryable* ApplicationError of type TENANT_SUSPENDED before anything else
    happens.
    """

    tenant_id: TenantId
    school_id: SchoolId
    student_id: StudentId
    instance_id: InstanceId
    key: str
    now: datetime


class Done(PortModel):
    """The effect has happened, now or under an earlier try of the same key."""

    ref: str | None = None
