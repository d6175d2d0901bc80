"""Every table in one place, what the application role may do with each, and an index for every reference."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from models import (
    access,
    attendance,
    audit,
    backtests,
    delivery,
    duties,
    erasures,
    evidence_packs,
    guardians,
    imports,
    inbound,
    instances,
    letters,
    meetings,
    people,
    plans,
    pointers,
    privacy,
    referrals,
    reliability,
    restores,
    retention,
    rulesets,
    sign_in,
    students,
    tenants,
    transfers,
    webhooks,
    year_ends,
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
    duties,
    backtests,
    transfers,
    year_ends,
    letters,
    delivery,
    meetings,
    plans,
    referrals,
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
        "decision",
        "disclosure",
        "evidence_look",
    }
)


def tenant_tables() -> list[Table]:
    """The tables bound by row-level security, parents first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in UNTENANTED]


def _led(table: Table) -> Iterator[list[str]]:
    """The columns of what finds every row of a table: no index of some rows only, but for those that hold a value."""
    for one in table.constraints:
        if isinstance(one, PrimaryKeyConstraint | UniqueConstraint):
            yield one.columns.keys()
    for index in table.indexes:
        options = index.dialect_options["postgresql"]
        some = options["where"] is not None and not str(options["where"]).lower().endswith("is not null")
        if (options["using"] or "btree") == "btree" and not some:
            yield index.columns.keys()


def unindexed() -> Iterator[Column[UUID]]:
    """References to rows that are removed one by one, and that no index finds; the tenant itself goes once."""
    for table in tenant_tables():
        found = list(_led(table))
        for column in table.columns:
            led = any(names[:1] == [column.name] or names[:2] == ["tenant_id", column.name] for names in found)
            if column.foreign_keys and column.name != "tenant_id" and not led:
                yield column


def _index_references() -> None:
    """Without one, every row that goes is followed by a search through all rows of the table that may point at it."""
    for column in list(unindexed()):
        held = column.is_not(None) if column.nullable else None
        Index(f"ix_{column.table.name}_{column.name}_referred", column, postgresql_where=held)


_index_references()
