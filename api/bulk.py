"""Many decisions in one request: each row has its own result, one refusal stops no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from api.ladder import ACCEPTED, Ladder
from api.schemas.ladder import AnswerOut
from orchestration.handles import Told
from rules.errors import DomainError

AT_ONCE: Final = 8
UNCONFIRMED: Final = frozenset({ACCEPTED, 503})
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row: the case's answer, or the problem it met."""

    status: int
    answer: AnswerOut | None = None
    code: str | None = None
    detail: str | None = None


async def in_bulk(
    cases: Ladder, rows: Sequence[Row], walk: Callable[[Row], UUID], tell: Callable[[Row], Awaitable[Told]]
) -> list[Outcome]:
    """Tell each row's case, some at a time, in the order given; unconfirmed if any of them is."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> Outcome:
        async with turn:
            try:
                told = await tell(row)
            except DomainError as refused:
                return Outcome(refused.status, code=refused.code, detail=refused.message)
        return Outcome(ACCEPTED if told.answer is None else 200, AnswerOut.of(walk(row), told))

    outcomes = list(await asyncio.gather(*map(one, rows)))
    if any(outcome.status in UNCONFIRMED for outcome in outcomes):
        cases.unconfirmed()
    return outcomes
