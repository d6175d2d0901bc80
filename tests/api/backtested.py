"""Backtests at Ann's school for the walk over every route: one that has finished with her in it, one that goes on."""

from typing import Any
from uuid import UUID

from models.backtests import Backtest, BacktestWalk
from models.session import Session
from tests.api.district import NOW, TODAY

STEP = [TODAY.isoformat(), "STEP", "contact", TODAY.isoformat()]


async def replayed(session: Session, things: dict[str, UUID]) -> dict[str, UUID]:
    """Their ids."""
    asked: dict[str, Any] = {
        "school_id": things["school_id"],
        "asked_by": things["person_id"],
        "first_on": TODAY,
        "last_on": TODAY,
        "minutes": {},
        "rulesets": [{"version_id": None, "key": "walked", "digest": "0" * 64, "document": {}}] * 2,
    }
    done = Backtest(**asked, status="FINISHED", figures={"groups": []}, ended_at=NOW, students_total=1, students_done=1)
    going = Backtest(**asked)
    session.add_all([done, going])
    await session.flush()
    where = {"student_id": things["student_id"], "school_id": things["school_id"]}
    session.add(BacktestWalk(backtest_id=done.id, **where, stepped=2, steps=[[], [STEP]]))
    return {"backtest_id": done.id, "going_backtest_id": going.id}
