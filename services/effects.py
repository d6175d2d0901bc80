"""Effects happen once: the key is taken in the same transaction as the change it guards."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.reliability import Effect


async def once(session: AsyncSession, key: str, name: str) -> bool:
    """True for the first caller whose transaction commits; a racing second caller waits, then gets False."""
    taken = await session.scalar(
        insert(Effect).values(key=key, name=name).on_conflict_do_nothing().returning(Effect.key)
    )
    return taken is not None
