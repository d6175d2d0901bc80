"""Backtests: what rule sets would have done at a school or everywhere; asked for, watched, cancelled, read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api import reach
from api.commands import CommandKey, HandrailRoute
from api.dependencies import Caller, Work, permit
from api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, after, page
from api.schemas.backtests import BacktestIn, BacktestOut, BacktestResultOut, BacktestStudentOut
from api.schemas.shared import ReasonIn
from models.backtests import Backtest
from models.queries.keyset import Window
from models.session import Session
from rules.access.permissions import Permission
from rules.rulesets.backtests import BacktestStatus, StepChange
from services import backtests

router = APIRouter(prefix="/interventions/backtests", tags=["rules"], route_class=HandrailRoute)


@router.post("", status_code=202)
async def run_backtest(
    body: BacktestIn, caller: Annotated[Caller, permit(Permission.BACKTEST_RUN)], _key: CommandKey, session: Work
) -> BacktestOut:
    """Replay one or two rule sets over the register, student by student; nothing about anybody is changed."""
    await _within(session, caller, body.school_id)
    row = await backtests.begin(session, caller.actor, body.command(), now=caller.now)
    return BacktestOut.of(row, await backtests.school_names(session, [row]))


@router.get("")
async def list_backtests(
    caller: Annotated[Caller, permit(Permission.BACKTEST_READ)],
    session: Work,
    school_id: UUID | None = None,
    status: BacktestStatus | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BacktestOut]:
    """The backtests of your schools, the latest first; those of every school for people of every school."""
    within = await reach.schools(session, caller, school_id)
    rows = await backtests.listed(session, within, status, Window(limit, after(cursor)))
    names = await backtests.school_names(session, rows)
    return page(rows, limit, lambda row: BacktestOut.of(row, names), lambda row: (row.created_at.isoformat(), row.id))


@router.get("/{backtest_id:uuid}")
async def read_backtest(
    backtest_id: UUID, caller: Annotated[Caller, permit(Permission.BACKTEST_READ)], session: Work
) -> BacktestResultOut:
    """How far a backtest has come; once it has finished, its figures, in which small groups are hidden."""
    row = await _reached(session, caller, backtest_id)
    return BacktestResultOut.of(row, await backtests.school_names(session, [row]))


@router.get("/{backtest_id:uuid}/students")
async def list_backtest_students(
    backtest_id: UUID,
    caller: Annotated[Caller, permit(Permission.BACKTEST_STUDENTS)],
    session: Work,
    change: StepChange | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BacktestStudentOut]:
    """By name, who has any step, and with two rule sets who is added and who is dropped; each view is written down."""
    row = await _reached(session, caller, backtest_id)
    scope = await reach.scope(session, caller)
    found = await backtests.students(session, row, scope, change, Window(limit, after(cursor)))
    return page(found, limit, BacktestStudentOut.of, lambda one: (one.walk.student_id, one.walk.school_id))


@router.post("/{backtest_id:uuid}/cancel")
async def cancel_backtest(
    backtest_id: UUID,
    body: ReasonIn,
    caller: Annotated[Caller, permit(Permission.BACKTEST_RUN)],
    _key: CommandKey,
    session: Work,
) -> BacktestOut:
    """End a backtest at once; what it has walked so far is deleted."""
    await _reached(session, caller, backtest_id)
    row = await backtests.cancel(session, caller.actor, backtest_id, body.reason, now=caller.now)
    return BacktestOut.of(row, await backtests.school_names(session, [row]))


async def _reached(session: Session, caller: Caller, backtest_id: UUID) -> Backtest:
    row = await backtests.get(session, backtest_id)
    reach.school_or_tenant(caller, row.school_id)
    return row


async def _within(session: Session, caller: Caller, school_id: UUID | None) -> None:
    if school_id is None:
        reach.school_or_tenant(caller, None)
    else:
        await reach.school(session, caller, school_id)
