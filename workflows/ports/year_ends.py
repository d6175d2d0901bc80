"""Port: the end of the school year of one case: the proposal, and what comes of it."""

from datetime import date, datetime

from temporalio import activity

from rules.ladder.commands import Command
from rules.ladder.words import YearEndChoice
from workflows.ports.common import Order, PortModel


class YearEndOrder(Order):
    """The case as it stands before the year that begins on `begins`."""

    begins: date


class YearEndAsked(PortModel):
    """`begins_at` = 00:00 of the new year's first day at the school."""

    begins_at: datetime


class YearEndSettlement(Order):
    """What becomes of the case; `by` chose it and said why, or None when it happens by itself. `put_down` = nothing
    that rests on last year goes out any more.
    """

    begins: date
    choice: YearEndChoice
    by: Command | None
    put_down: bool


class YearEndSettled(PortModel):
    """`first_open` = the new year's first open day (without a calendar its first day); `quiet_until` = the start of the
    day by which five school days of it are over.
    """

    first_open: date
    quiet_until: datetime


@activity.defn
async def ask_year_end(order: YearEndOrder) -> YearEndAsked:
    """One transaction, once per key: the proposal is shown, and a task asks whoever looks after the case, due on the
    last school day of the year.
    """
    raise NotImplementedError(order)


@activity.defn
async def settle_year_end(order: YearEndSettlement) -> YearEndSettled:
    """One transaction, once per key: the proposal says what was chosen, its task ends; with `put_down` what still waits
    to be sent does not go out. CLOSE_WITH_SUMMARY: the summary is stored. REVIEW_IN_AUTUMN: a task to review the case,
    due in ten school days of the new year. Without its calendar five school days are taken for six weeks.
    """
    raise NotImplementedError(order)
