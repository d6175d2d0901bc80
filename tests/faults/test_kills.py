"""kill -9 of any part while approved letters are made: the supervisor brings it back and every letter goes out once."""

import hashlib
import os
import signal
from collections.abc import Callable

import psycopg
import pytest

from tests.deploy.stacks import until
from tests.deploy.test_recovery import bucket
from tests.faults.town import Town, Waiting

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]
PATIENCE = 150.0
NEEDED_AFTER_THE_DECISION = {"s3", "mail"}
SENT = """
select i.id, count(distinct m.id), count(distinct m.id) filter (where m.status = 'SENT'),
    (select count(*) from guardian_link l where l.student_id = i.student_id)
from instance i left join message m on m.instance_id = i.id and m.kind = 'LETTER'
where i.id = any(%s) group by i.id
"""
ARTIFACTS = "select guardian_id, storage_path, stored_sha256 from letter_artifact where instance_id = %s"
EVENTS = "select type, count(*) from event where instance_id = %s and type = any(%s) group by type"


def killed(town: Town, part: str) -> None:
    os.kill(town.stack.pids()[part], signal.SIGKILL)


def restarted(town: Town, part: str, before: int) -> bool:
    return bool(town.stack.state()["parts"][part]["restarts"] > before)


def sent_everywhere(town: Town, steps: list[Waiting]) -> bool:
    """Every guardian of these cases was sent a letter, and the case waits on the next rung."""
    ids = [step.instance_id for step in steps]
    rows = town.rows(SENT, ids)
    phases = {phase for (phase,) in town.rows("select phase from instance where id = any(%s)", ids)}
    return len(rows) == len(steps) and all(sent == all_ for _, _, sent, all_ in rows) and phases == {"WAITING"}


def recovered(town: Town, steps: list[Waiting]) -> None:
    """Without anybody's hands."""

    def true() -> bool:
        try:
            return sent_everywhere(town, steps)
        except psycopg.OperationalError:  # it is the database that was killed
            return False

    until(true, "every approved letter was sent", PATIENCE)
    assert_once(town, steps)


def assert_once(town: Town, steps: list[Waiting]) -> None:
    """One stored letter and one e-mail (or one Message-ID) for each guardian, each step recorded once."""
    for step in steps:
        (_, messages, sent, guardians) = town.rows(SENT, [step.instance_id])[0]
        assert messages == sent == guardians
        artifacts = town.rows(ARTIFACTS, step.instance_id)
        assert len(artifacts) == guardians == len({guardian for guardian, _, _ in artifacts})
        for _, path, digest in artifacts:
            stored = bucket(town.stack).get_object(Bucket="letters", Key=path)["Body"].read()
            assert hashlib.sha256(stored).hexdigest() == digest
        counted = dict(town.rows(EVENTS, step.instance_id, ["APPROVED", "STAGE_ENTERED", "LETTER_SENT"]))
        assert counted == {"APPROVED": 1, "STAGE_ENTERED": 1, "LETTER_SENT": guardians}
    for address, mails in town.mails(steps).items():
        assert mails, f"no mail to {address}"
        assert len({mail["Message-ID"] for mail in mails}) == 1, address
        assert len({mail.as_bytes() for mail in mails}) == 1, address


def a_letter_is_stored(town: Town, step: Waiting) -> bool:
    return bool(town.rows(ARTIFACTS, step.instance_id))


def a_mail_is_being_sent(town: Town, step: Waiting) -> bool:
    return bool(town.rows("select id from message where instance_id = %s and status <> 'QUEUED'", step.instance_id))


def at_once(_town: Town, _step: Waiting) -> bool:
    return True


@pytest.mark.parametrize("moment", [at_once, a_letter_is_stored, a_mail_is_being_sent], ids=lambda m: m.__name__)
def test_a_worker_killed_in_the_middle_of_letters_sends_each_of_them_once(
    town: Town, moment: Callable[[Town, Waiting], bool]
) -> None:
    steps = town.take(2)
    for step in steps:
        assert town.approve(step).status == 200
    until(lambda: moment(town, steps[0]), moment.__name__)
    killed(town, "worker")
    recovered(town, steps)


@pytest.mark.parametrize("part", ["temporal", "postgres", "s3", "mail"])
def test_a_server_killed_while_letters_are_made_loses_nothing(town: Town, part: str) -> None:
    first, *others = steps = town.take(3)
    before = town.stack.state()["parts"][part]["restarts"]
    assert town.approve(first).status == 200
    if part in NEEDED_AFTER_THE_DECISION:
        killed(town, part)
    for step in others:
        assert town.approve(step).status == 200
    assert not sent_everywhere(town, steps)
    if part not in NEEDED_AFTER_THE_DECISION:
        killed(town, part)
    until(lambda: restarted(town, part, before), f"{part} was started again")
    recovered(town, steps)
