"""A letter's whole way through the worker, with a mail server that refuses in names: the log holds none of them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import structlog

from rules.ladder import commands
from tests.journeys.conftest import Teller
from tests.journeys.district import Child, Parent
from tests.journeys.openings import letter_proposed
from tests.journeys.story import Story
from tests.logged import Written

pytestmark = pytest.mark.servers
GRACE = Parent("Grace Canaryone", "grace.canaryone@example.org", "17 Canary Lane, Leeds, LS1 1AA")
HENRY = Parent("Henry Canarytwo", "henry.canarytwo@example.org", "99 Hidden Road, York, YO1 7AA")
CANARIES = ("canary", "hidden road", "17 Canary", "example.org", "no such person", "password")


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """A logger says next to nothing meanwhile; afterwards it is as it was."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def found(said: str) -> list[str]:
    return [one for one in CANARIES if one.lower() in said.lower()]


def test_no_canary_reaches_the_workers_log_while_a_letter_goes_its_way(tell: Teller, written: Written) -> None:
    async def story(s: Story) -> None:
        s.mail.refusals[GRACE.email or ""] = f"451 4.2.1 {GRACE.email} of {GRACE.name}: try again, password=x"
        s.mail.refusals[HENRY.email or ""] = f"550 5.1.1 {HENRY.email}: no such person as {HENRY.name}"
        await letter_proposed(s)
        await s.day("2031-09-16")
        pending = await s.proposal()
        await s.says("approve", commands.Approve, proposal_id=pending.id, reason=f"Agreed with {GRACE.name}.")
        await s.env.sleep(timedelta(minutes=5))
        assert s.mails() == [], "the first tries were refused for now"
        del s.mail.refusals[GRACE.email or ""]
        await s.until(await s.env.get_current_time() + timedelta(hours=2))
        assert s.mailed_to() == [GRACE.email]

    with quiet("mail.log"):  # the mail server of the test runs in this process, and repeats what it was told to answer
        tell(story, children=(Child("Canarysam", (GRACE, HENRY)),))
    said = written.getvalue()
    assert "MailDeferred" in said, "the log was not written where the test looks"
    assert [line for line in said.splitlines() if found(line)] == []


def test_the_control_finds_a_name_that_somebody_logs(written: Written) -> None:
    structlog.get_logger("worker").info("the mistake this net cannot catch", guardian=GRACE.name)
    assert found(written.getvalue()) == ["canary"]


def test_a_logger_is_as_it_was() -> None:
    logger = logging.getLogger("mail.log")
    before = logger.level
    with quiet("mail.log"):
        assert not logger.isEnabledFor(logging.ERROR)
    assert (logger.level, logger.isEnabledFor(logging.ERROR)) == (before, True)
