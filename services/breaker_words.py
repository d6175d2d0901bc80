"""What a breaker says of itself: suspect days by the figures they were judged by, batches as they stand now."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Breaker
from rules.breakers import batches as batch_rules
from rules.breakers import days
from services import batches
from services.breakers import BreakerKind
from services.suspect_days import suspicion


@dataclass(frozen=True, slots=True)
class Told:
    """The cause in one word, the sentence, and how many proposals a batch holds."""

    cause: str | None
    sentence: str
    holds: int | None = None


async def told(session: AsyncSession, row: Breaker, *, codes: bool) -> Told:
    """In words; the register code behind it only for those who may see codes."""
    match BreakerKind(row.kind):
        case BreakerKind.SUSPECT_DAY:
            found = suspicion(row.facts)
            return Told(found.cause, days.sentence(found, codes=codes))
        case BreakerKind.BATCH:
            held = await batches.held(session, row)
            sentence = batch_rules.sentence(held.common, held.count, held.limit)
            return Told(held.common.cause, sentence, held.count)
        case BreakerKind.CAP:
            cap = row.facts["cap"]
            return Told(None, f"More than {cap} messages would have left within an hour: the rest waits its turn.")
