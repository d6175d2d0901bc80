"""The hourly cap: what is beyond it waits its turn, somebody is told once, and a release lifts it for the day."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from models.delivery import Breaker
from models.instances import Task
from models.tenants import Tenant
from rules.errors import Unavailable
from rules.ladder.commands import DeliveryState
from services import delivery
from tests.servers.kinds import MailServer
from tests.services.seeding import NOW, TODAY, World, grace, henry
from tests.services.writing import issued, plan, sent, whole

pytestmark = pytest.mark.servers


def test_beyond_the_hours_cap_a_letter_waits_and_somebody_is_told_once(world: World, smtp: MailServer) -> None:
    family = world.family(grace(), henry())
    world.change(family, update(Tenant).values(settings={"breakers": {"sends_per_hour": 1}}))
    first, second = world.run(plan(world.means, family.case("w/1")))
    letters_ = [world.run(issued(world.means, family, one)) for one in (first, second)]
    assert world.run(sent(world.means, family, letters_[0].artifact_id)).state is DeliveryState.SENT
    for _ in range(2):
        with pytest.raises(Unavailable) as capped:
            world.run(sent(world.means, family, letters_[1].artifact_id))
        assert capped.value.code == "SENDING_CAPPED"
    (breaker,) = world.rows(family, Breaker)
    assert (breaker.kind, breaker.school_id, breaker.status, breaker.facts["cap"]) == ("CAP", None, "OPEN", 1)
    (task,) = world.rows(family, Task)
    assert (task.kind, task.role) == ("look_at_breaker", "district_admin")
    assert len(smtp.messages()) == 1
    later = replace(family.case(f"w/3/{letters_[1].artifact_id}"), now=NOW + timedelta(minutes=61))
    assert world.run(delivery.deliver(world.means, later, letters_[1].artifact_id)).state is DeliveryState.SENT


def test_a_cap_that_was_released_lets_the_rest_of_the_day_go(world: World) -> None:
    family = world.family(grace(), henry())
    world.change(family, update(Tenant).values(settings={"breakers": {"sends_per_hour": 1}}))
    world.change(family, insert(Breaker).values(kind="CAP", date=TODAY, status="RELEASED", facts={"cap": 1}))
    outcomes = [outcome.state for _, outcome in world.run(whole(world.means, family))]
    assert outcomes == [DeliveryState.SENT] * 2
