"""Which account of an identity provider is which person."""

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Recorded


class PersonIdentity(Recorded, Base):
    """An account, bound to a person at its first sign-in: names and addresses may be given again, a subject may not."""

    __tablename__ = "person_identity"
    __table_args__ = (
        UniqueConstraint("tenant_id", "issuer", "subject"),
        UniqueConstraint("tenant_id", "issuer", "person_id"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    issuer: Mapped[str]
    subject: Mapped[str]
