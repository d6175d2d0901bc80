"""The school year ends: ask what becomes of the case, carry it out when the new year begins."""

from rules.ladder import year_ends
from rules.ladder.state import State
from rules.ladder.year_ends import AskYearEnd, CarryOutYearEnd
from workflows.case import Case
from workflows.ports.year_ends import (
    YearEndAsked,
    YearEndOrder,
    YearEndSettlement,
    ask_year_end,
    settle_year_end,
)
from workflows.retry import RECORD


async def ask(case: Case, _step: AskYearEnd) -> None:
    """People see the proposal and have a task; the case learns when the new year begins."""
    ending = case.state.year_end
    assert ending is not None
    order = YearEndOrder(**case.order("ask_year_end"), begins=ending.begins)

    def asked(now: State, found: YearEndAsked) -> State:
        return year_ends.asked(now, found.begins_at, case.now)

    await case.settle(ask_year_end, order, asked, RECORD, about=lambda now: now.year_end)


async def carry_out(case: Case, _step: CarryOutYearEnd) -> None:
    """What was chosen; without a choice the review in autumn. From here on nobody chooses any more."""
    case.state = year_ends.settling(case.state)
    ending = case.state.year_end
    assert ending is not None
    order = YearEndSettlement(
        **case.order("settle_year_end"),
        begins=ending.begins,
        choice=year_ends.chosen(ending),
        by=ending.by,
        put_down=year_ends.puts_down(case.state),
    )
    done = await case.perform(settle_year_end, order, RECORD)
    case.state = year_ends.settled(case.state, done.first_open, done.quiet_until, case.now)
