"""After the exit: tell the family, check six school weeks, complete."""

from rules.ladder import follow_up
from rules.ladder.state import Close, State
from rules.ladder.steps import CheckWeek, Complete, MuteExit, NextWeek, TellFamily
from rules.ladder.words import Status
from workflows.case import Case
from workflows.ports.calendar import DeadlineOrder, Deadlines, WeekOrder, next_school_week, school_deadlines
from workflows.ports.follow_up import (
    ExitOrder,
    Figures,
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

    def silent(now: State, found: Deadlines) -> State:
        return now.but(exit=muted.but(muted_until=found.instants[0]))

    await case.settle(school_deadlines, order, silent, READ, about=lambda now: now.exit)


async def tell_family(case: Case, _step: TellFamily) -> None:
    """A warm letter."""
    order = ExitOrder(**case.order("tell_family_of_exit"), stop_key=case.state.exit.stop_key)
    await case.perform(tell_family_of_exit, order)
    case.state = case.state.but(exit=case.state.exit.but(tell_family=False))


async def find_week(case: Case, _step: NextWeek) -> None:
    """The next school week; a holiday is no week."""
    plan = case.state.follow_up
    assert plan is not None
    order = WeekOrder(**case.order("next_week"), after=plan.through)
    await case.settle(next_school_week, order, follow_up.week_found, READ)


async def look_at_week(case: Case, step: CheckWeek) -> None:
    """One week against the relapse condition; after a correction, the last one again."""
    plan = case.state.follow_up
    assert plan is not None
    first, last = (plan.through_first, plan.through) if step.again else (plan.week_first, plan.week_last)
    assert first is not None
    assert last is not None
    order = WeekCheckOrder(
        **case.order("check_week"), digest=case.state.ladder.digest, first=first, last=last, again=step.again
    )
    again = step.again
    await case.settle(check_week, order, lambda now, seen: follow_up.week_checked(now, seen, case.now, again=again))


async def complete(case: Case, _step: Complete) -> None:
    """A clean follow-up: figures before and after."""
    plan = case.state.follow_up
    assert plan is not None
    order = FiguresOrder(**case.order("completed_figures"), opened_at=plan.started_at, through=plan.through)

    def completed(now: State, figures: Figures) -> State:
        return now.but(closing=Close(status=Status.COMPLETED, facts=figures.model_dump()))

    await case.settle(completed_figures, order, completed)
