"""What every table shares: naming convention, column types, the tenant column and its default."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, DateTime, ForeignKey, Integer, MetaData, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# nullif is not optional: after one transaction-local setting the value reads back as '' on that connection
CURRENT_TENANT = "nullif(current_setting('app.current_tenant', true), '')::uuid"

type_map: dict[Any, Any] = {
    datetime: DateTime(timezone=True),
    str: Text(),
    UUID: Uuid(),
    dict[str, Any]: JSONB(),
    list[Any]: JSONB(),
    list[str]: JSONB(),
}


class Base(DeclarativeBase):
    """Declarative base; relationships, where there are any, load by hand only (`lazy="raise"`)."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = type_map


class Tenanted:
    """A row of one tenant: the database fills `tenant_id` from the unit of work and refuses any other value."""

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id"), server_default=text(CURRENT_TENANT), sort_order=-9)


class Recorded(Tenanted):
    """A tenant's row with an opaque, time-ordered id and the instant it was written."""

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"), sort_order=-10)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=90)


def one_of(column: str, *words: str) -> CheckConstraint:
    """A status word is one of these (null stays allowed where the column is nullable)."""
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({listed})", name=column)


__all__ = [
    "CURRENT_TENANT",
    "Base",
    "BigInteger",
    "Date",
    "Integer",
    "Recorded",
    "Tenanted",
    "one_of",
]
