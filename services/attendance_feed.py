"""Declared feeds: how one source writes its files, stored per tenant and checked against the schools it names."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateways.source_declaration import SourceDeclaration
from models.imports import FeedSource
from models.people import School
from rules.errors import Invalid
from services import audit
from services.context import Actor


async def declare(
    session: AsyncSession, actor: Actor, kind: str, source: SourceDeclaration, *, now: datetime
) -> FeedSource:
    """Store what a source says of itself; Invalid when its school is unknown or uses another code set."""
    if source.school_id:
        await _check(session, source)
    key = f"{kind}:{source.school_id or 'all'}"
    said = source.model_dump(mode="json")
    upsert = insert(FeedSource).values(key=key, kind=kind, declaration=said)
    row = (
        await session.scalars(
            upsert.on_conflict_do_update(
                index_elements=[FeedSource.tenant_id, FeedSource.key], set_={"declaration": upsert.excluded.declaration}
            ).returning(FeedSource)
        )
    ).one()
    await audit.record(session, actor, audit.Act("declare", "feed_source", row.id, after=said), now=now)
    return row


async def declared(session: AsyncSession, kind: str, school_id: str = "") -> SourceDeclaration | None:
    """The stored declaration of a source, if there is one."""
    wanted = select(FeedSource.declaration).where(FeedSource.key == f"{kind}:{school_id or 'all'}")
    found = await session.scalar(wanted)
    return SourceDeclaration.model_validate(found) if found else None


async def _check(session: AsyncSession, source: SourceDeclaration) -> None:
    code_set = await session.scalar(select(School.code_set).where(School.source_id == source.school_id))
    if code_set is None:
        raise Invalid(
            "school_unknown",
            f"There is no school {source.school_id}: import schools.csv first, or correct school_id in SOURCE.json.",
            fields={"school_id": "no such school"},
        )
    if source.code_set and source.code_set != code_set:
        raise Invalid(
            "code_set_differs",
            f"School {source.school_id} uses the code set {code_set}, SOURCE.json says {source.code_set}: correct one.",
            fields={"code_set": f"the school uses {code_set}"},
        )
