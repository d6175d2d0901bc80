"""Temporal is away, or hangs: people are told to come back, what came in by itself lands, and all of it flows later."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import pytest

from tests.deploy.stacks import until
from tests.faults.test_kills import killed, recovered, restarted
from tests.faults.town import RULES, Town

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]
STARTED = "select status from instance where student_id = %s"


@contextmanager
def hangs(town: Town) -> Iterator[None]:
    """The server's process stands still: connections open, nothing answers."""
    pid = town.stack.pids()["temporal"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def gone(town: Town) -> Iterator[None]:
    """The server is dead, and the supervisor stands still so that nobody brings it back yet."""
    assert town.stack.process is not None
    supervisor = town.stack.process.pid
    os.kill(supervisor, signal.SIGSTOP)
    killed(town, "temporal")
    try:
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)


@pytest.mark.parametrize("away", [gone, hangs], ids=lambda mode: mode.__name__)
def test_while_temporal_is_away_people_come_back_later_and_everything_else_lands(
    town: Town, away: Callable[[Town], AbstractContextManager[None]]
) -> None:
    (step,) = town.take(1)
    by_hand, absent = town.calm(2).items()
    (school,) = town.rows("select id from school")[0]
    body = {"student_id": str(by_hand[1]), "school_id": str(school), "rule_set_key": RULES, "reason": "Teacher asks."}
    key = uuid4().hex
    with away(town):
        refused = town.approve(step, key)
        started = town.commands("/interventions/instances", body)
        town.bring_in([absent[0]])
    assert (refused.status, refused.body["code"]) == (503, "temporal_unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    assert (started.status, started.body["running"]) == (202, False)
    until(lambda: town.approve(step, key).status == 200, "the same command with the same key is taken")
    recovered(town, [step])
    until(lambda: town.rows(STARTED, by_hand[1]) == [("ACTIVE",)], "the case started by hand runs")
    until(lambda: town.letters_wait([absent[1]]), "the import was evaluated and its letter waits")


def test_a_command_sent_twice_under_one_key_is_carried_out_once(town: Town) -> None:
    (step,) = town.take(1)
    key = uuid4().hex
    first, again = town.approve(step, key), town.approve(step, key)
    other = town.commands(
        f"/interventions/instances/{step.instance_id}/approve",
        {"proposal_id": str(step.proposal_id), "reason": "another body"},
        key,
    )
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    recovered(town, [step])


def test_a_command_sent_twice_at_once_under_one_key_is_carried_out_once(town: Town) -> None:
    (step,) = town.take(1)
    key = uuid4().hex
    with ThreadPoolExecutor(2) as senders:
        replies = list(senders.map(lambda _: town.approve(step, key), range(2)))
    assert {reply.status for reply in replies} <= {200, 409}
    assert {reply.body["code"] for reply in replies if reply.status == 409} <= {"command_running"}
    assert town.approve(step, key).body["phase"] == "ACTING"
    recovered(town, [step])


def test_an_api_killed_while_it_carries_a_command_out_leaves_one_approval(town: Town) -> None:
    (step,) = town.take(1)
    before = town.stack.state()["parts"]["api"]["restarts"]
    with ThreadPoolExecutor(1) as sender:
        cut_off = sender.submit(town.approve, step)
        killed(town, "api")
        assert cut_off.result().status in {0, 200}
    until(lambda: restarted(town, "api", before) and town.stack.ready(), "the API answers again")
    assert town.approve(step).status in {200, 409}  # not taken before, or taken already
    recovered(town, [step])
