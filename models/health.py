"""Asks the database whether it answers: the database part of /readyz."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


async def answers(engine: AsyncEngine) -> None:
    """Raise what the driver says when there is no connection to be had."""
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))
