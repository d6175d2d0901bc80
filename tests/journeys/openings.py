"""How stories begin: three days away at the start of term, and how far up the ladder the case is when it matters."""

from rules.ladder import commands
from tests.journeys.story import Story

FIRST_ABSENCES = ("2031-09-03", "2031-09-04", "2031-09-05")


async def opened(s: Story) -> None:
    """On Friday evening the case is open and its first step waits."""
    s.absent(*FIRST_ABSENCES)
    await s.evening("2031-09-05")
    await s.must_stand("AWAITING_APPROVAL contact")


async def spoken(s: Story) -> None:
    """On Monday the family was reached."""
    await opened(s)
    await s.day("2031-09-08")
    await s.approve("contact")
    await s.speaks_with_family()
    await s.must_stand("WAITING contact")


async def letter_proposed(s: Story) -> None:
    """A week later another absence, and letter 1 waits for approval."""
    await spoken(s)
    s.absent("2031-09-15")
    await s.evening("2031-09-15")
    await s.must_stand("AWAITING_APPROVAL letter-1")


async def letter_sent(s: Story) -> None:
    """Letter 1 went out on Tuesday 16 September."""
    await letter_proposed(s)
    await s.day("2031-09-16")
    await s.approve("letter-1")
    await s.must_stand("WAITING letter-1")


async def met(s: Story) -> None:
    """Staff went straight to the meeting; it is booked, and its hour is over."""
    await opened(s)
    await s.day("2031-09-08")
    await s.escalates("meeting")
    await s.approve("meeting")
    meeting = (await s.view()).state.meeting
    assert meeting is not None
    assert meeting.ends_at is not None
    await s.until(meeting.ends_at)


async def followed_up(s: Story, confirmed: str) -> None:
    """The meeting resolved it; the exit is confirmed on the evening of this day."""
    await met(s)
    await s.outcome("RESOLVED", held_at=s.now)
    await s.weeks(confirmed)
    await s.say("confirm_exit", commands.ConfirmExit, reason="All is well.")
    assert (await s.case()).phase == "FOLLOW_UP"
