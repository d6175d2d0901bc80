"""After the exit: tell the family, check six school weeks, complete."""

from rules.ladder import follow_up
from rules.ladder.state import Close
from rules.ladder.steps import CheckWeek, Complete, MuteExit, NextWeek, TellFamily
from rules.ladder.words import Status
from workflows.case import Case
from workflows.ports.calendar import DeadlineOrder, WeekOrder, next_school_week, school_deadlines
from workflows.ports.follow_up import (
    ExitOrder,
    FiguresOrder,
    WeekCheckOrder,
    check_week,
    completed_figures,
    tell_family_of_exit,
)
from workflows.retry import READ

EXIT_SILENCE_SCHOOL_DAYS = 20


async def mute_exit(case: Case, _step: MuteExit) -> None:
    """A rejected exit keeps silent for twenty school days, or until its condition was false once."""
    days = (EXIT_SILENCE_SCHOOL_DAYS,)
    order = DeadlineOrder(**case.order("exit_silence"), from_day=None, school_days=days)
    muted = case.state.exit
    deadlines = await case.perform(school_deadlines, order, READ)
    if case.state.exit == muted:
        case.state = case.state.but(exit=muted.but(muted_until=deadlines.instants[0]))


async def tell_family(case: Case, _step: TellFamily) -> None:
    """A warm letter."""
    order = ExitOrder(**case.order("tell_family_of_exit"), stop_key=case.state.exit.stop_key)
    await case.perform(tell_family_of_exit, order)
    case.state = case.state.but(exit=case.state.exit.but(tell_family=False))


async def find_week(case: Case, _step: NextWeek) -> None:
    """The next school week; a holiday is no week."""
    plan = case.state.follow_up
    assert plan is not None
    turn = case.state.turn
    week = await case.perform(next_school_week, WeekOrder(**case.order("next_week"), after=plan.through), READ)
    if case.state.turn == turn:
        case.state = follow_up.week_found(case.state, week)


async def look_at_week(case: Case, step: CheckWeek) -> None:
    """One week against the relapse condition; after a correction, the last one again."""
    plan, turn = case.state.follow_up, case.state.turn
    assert plan is not None
    first, last = (plan.through_first, plan.through) if step.again else (plan.week_first, plan.week_last)
    assert first is not None
    assert last is not None
    order = WeekCheckOrder(
        **case.order("check_week"), digest=case.state.ladder.digest, first=first, last=last, again=step.again
    )
    finding = await case.perform(check_week, order)
    if case.state.turn == turn:
        case.state = follow_up.week_checked(case.state, finding, case.now, again=step.again)


async def complete(case: Case, _step: Complete) -> None:
    """A clean follow-up: figures before and after."""
    plan, turn = case.state.follow_up, case.state.turn
    assert plan is not None
    order = FiguresOrder(**case.order("completed_figures"), opened_at=plan.started_at, through=plan.through)
    figures = await case.perform(completed_figures, order)
    if case.state.turn == turn:
        case.state = case.state.but(closing=Close(status=Status.COMPLETED, facts=figures.model_dump()))
