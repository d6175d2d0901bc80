"""Every table in one place, and what the application role may do with each."""

from sqlalchemy import Table

from models import (
    access,
    attendance,
    audit,
    delivery,
    erasures,
    evidence_packs,
    guardians,
    imports,
    inbound,
    instances,
    letters,
    meetings,
    people,
    pointers,
    privacy,
    reliability,
    restores,
    retention,
    rulesets,
    sign_in,
    students,
    tenants,
    webhooks,
)
from models.base import Base

CAPABILITIES = (
    tenants,
    people,
    students,
    guardians,
    access,
    attendance,
    imports,
    rulesets,
    instances,
    letters,
    delivery,
    meetings,
    sign_in,
    audit,
    privacy,
    erasures,
    retention,
    evidence_packs,
    pointers,
    reliability,
    restores,
    webhooks,
    inbound,
)

UNTENANTED = frozenset({"tenant", "outbox_head", "tenant_tombstone", "witness"})
PARTITIONED = frozenset({"mark", "session_fact", "summary"})
INSERT_ONLY = frozenset(
    {
        "audit_entry",
        "audit_detail",
        "audit_seal",
        "audit_anchor",
        "student_view",
        "event",
        "effect",
        "disclosure",
        "evidence_look",
    }
)


def tenant_tables() -> list[Table]:
    """The tables bound by row-level security, parents first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in UNTENANTED]
