"""Temporal or the database is put back to an earlier hour: nothing leaves until a person has released each class."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.session import Sessions
from services import restores
from services.context import system
from services.restores import HoldKind, ReleaseClass
from tests.deploy.stacks import HANDRAIL, PATIENCE, alive, clean_environment, until
from tests.faults.test_kills import recovered, sent_everywhere
from tests.faults.town import ADMIN, KEY, Town, Waiting, on_database

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]
PLACES = {"temporal": "temporal", "postgres": "postgres/data"}
BEAT = "select beat from witness"
HELD = "select kind from restore_hold where released_at is null order by id"


@contextmanager
def stopped(town: Town, *parts: str) -> Iterator[None]:
    """These parts do not run, and nobody brings them back before the end of the block."""
    assert town.stack.process is not None
    pids = [town.stack.pids()[part] for part in parts]
    os.kill(town.stack.process.pid, signal.SIGSTOP)
    try:
        for pid in pids:
            psutil.Process(pid).send_signal(signal.SIGINT)
        until(lambda: not any(alive(pid) for pid in pids), f"{parts} have stopped")
        yield
    finally:
        os.kill(town.stack.process.pid, signal.SIGCONT)


def running(town: Town) -> bool:
    return all(alive(pid) for pid in town.stack.pids().values()) and town.stack.ready()


def copied(town: Town, part: str) -> Path:
    """A backup of the part's data, taken while it stands still; the part runs again."""
    backup = town.base / f"backup-{part}"
    with stopped(town, part):
        copy(town.stack.folder / PLACES[part], backup)
    until(lambda: running(town), f"{part} runs again")
    return backup


def restored(town: Town, part: str, backup: Path) -> None:
    """The part's data is what the backup holds; the worker starts after it, as it does after every restore."""
    place = town.stack.folder / PLACES[part]
    with stopped(town, part, "worker"):
        shutil.rmtree(place)
        copy(backup, place)
    until(lambda: running(town), "every part runs again")


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def reconciled(town: Town, *arguments: str) -> tuple[int, list[str], dict[str, Any]]:
    """What `handrail reconcile` says: its status, its findings, and its last line."""
    done = subprocess.run(
        [*HANDRAIL, "reconcile", "--tenant", KEY, *arguments],
        cwd=town.base,
        env=clean_environment({"HANDRAIL_DATA_DIR": str(town.stack.folder)}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout, done.stderr
    *findings, last = done.stdout.splitlines()
    return done.returncode, findings, json.loads(last)


def about(findings: Sequence[str], step: Waiting) -> list[str]:
    return [line.split()[0] for line in findings if str(step.instance_id) in line]


def beat(town: Town) -> int:
    ((number,),) = town.rows(BEAT)
    return int(number)


def go_on(town: Town) -> Waiting:
    """A letter is approved and sent, and a beat passes: this is what the restored part will not remember."""
    (step,) = town.take(1)
    before = beat(town)
    assert town.approve(step).status == 200
    until(lambda: sent_everywhere(town, [step]), "its letter was sent")
    until(lambda: beat(town) > before + 1, "beats have passed")
    return step


def release_everything(town: Town) -> None:
    """Class by class, the first by the command; sending stays off until the last."""
    first, *others = HoldKind
    assert len(reconciled(town, "--release", first.value, "--by", ADMIN, "--reason", "seen")[2]["held"]) == len(others)

    async def release(sessions: Sessions) -> int:
        actor = system(town.tenant_id, "cli", "release")
        async with sessions.tenant(town.tenant_id) as session:
            for kind in others:
                left = await restores.release(session, actor, ReleaseClass(kind, 0, "seen"), now=datetime.now(UTC))
        return left

    assert on_database(town.stack, release) == 0


def the_next_letter_waits_for_a_release_and_then_leaves(town: Town) -> None:
    (step,) = town.take(1)
    approved = town.approve(step)
    assert approved.status == 200, approved.body
    until(lambda: phase(town, step) == "ACTING", "the approved step is under way")
    release_everything(town)
    recovered(town, [step])


def phase(town: Town, step: Waiting) -> str:
    ((found,),) = town.rows("select phase from instance where id = %s", step.instance_id)
    return str(found)


def mails(town: Town, step: Waiting) -> int:
    return sum(len(found) for found in town.mails([step]).values())


def test_temporal_set_back_holds_everything_and_its_cases_go_on_from_their_rows(town: Town) -> None:
    backup = copied(town, "temporal")
    step = go_on(town)
    sent = mails(town, step)
    restored(town, "temporal", backup)
    until(lambda: len(town.rows(HELD)) == len(HoldKind), "the worker has noticed")
    status, findings, told = reconciled(town, "--repair")
    assert about(findings, step) == ["OUT_OF_STEP"]
    assert told["repaired"] >= 1
    assert (status, len(told["held"])) == (int(told["repaired"] < len(findings)), len(HoldKind))
    until(lambda: about(reconciled(town)[1], step) == [], "the case agrees with its row again")
    the_next_letter_waits_for_a_release_and_then_leaves(town)
    assert (phase(town, step), mails(town, step)) == ("WAITING", sent)


def test_the_database_set_back_holds_everything_and_sends_no_letter_twice(town: Town) -> None:
    backup = copied(town, "postgres")
    step = go_on(town)
    sent = mails(town, step)
    restored(town, "postgres", backup)
    until(lambda: len(town.rows(HELD)) == len(HoldKind), "the worker has noticed")
    _, findings, told = reconciled(town)
    assert (about(findings, step), len(told["held"])) == (["OUT_OF_STEP"], len(HoldKind))
    assert town.approve(step).status == 409  # the row still proposes it; the case knows better
    the_next_letter_waits_for_a_release_and_then_leaves(town)
    assert mails(town, step) == sent
