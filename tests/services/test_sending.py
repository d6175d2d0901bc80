"""The sending switch wakes whoever waits for it, wherever a hold or a second thought has taken them meanwhile."""

from typing import Any

import pytest
from sqlalchemy import update

from models.instances import Instance
from models.reliability import Outbox
from rules.access.permissions import Role
from rules.ids import PersonId
from services import restores, sending
from services.context import Actor
from services.restores import Cause, HoldKind, ReleaseClass, Restored
from services.sending import TurnSwitch
from tests.services.seeding import NOW, Family, World

pytestmark = pytest.mark.servers
ON = TurnSwitch(None, None, enabled=True, reason="The template is right again.")


def actor(family: Family) -> Actor:
    return Actor(family.tenant_id, PersonId(family.officer_id), Role.DISTRICT_ADMIN, "An admin", "test", "api")


def stood(world: World, family: Family, phase: str, **state: Any) -> Family:
    mine = update(Instance).where(Instance.id == family.instance_id)
    world.change(family, mine.values(phase=phase, state=state))
    return family


def woken(world: World, family: Family) -> set[str]:
    told = world.rows(family, Outbox, Outbox.kind == "instance.signal")
    return {row.payload["instance_id"] for row in told if row.payload["signal"] == "sending_changed"}


@pytest.fixture
def waiting(world: World) -> tuple[Family, set[str]]:
    """Five cases of a tenant: who acts, and who remembers when to ask next, must hear of it."""
    acting = stood(world, world.family(), "ACTING", sending_retry_at=None)
    later = NOW.isoformat()
    held, again, quiet, deciding = (
        stood(world, world.family(tenant_id=acting.tenant_id), phase, sending_retry_at=retry)
        for phase, retry in (("ON_HOLD", later), ("AWAITING_APPROVAL", later), ("WAITING", None), ("EVALUATING", None))
    )
    assert {quiet.tenant_id, deciding.tenant_id} == {acting.tenant_id}
    return acting, {str(one.instance_id) for one in (acting, held, again)}


def test_turning_the_switch_wakes_those_who_act_and_those_who_waited_for_it(
    world: World, waiting: tuple[Family, set[str]]
) -> None:
    family, wanted = waiting

    async def turn() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await sending.turn(session, actor(family), ON, now=NOW)

    world.run(turn())
    assert woken(world, family) == wanted


def test_the_last_release_after_a_restore_wakes_the_same(world: World, waiting: tuple[Family, set[str]]) -> None:
    family, wanted = waiting

    async def release(kind: HoldKind) -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await restores.release(session, actor(family), ReleaseClass(kind, 0, "Looked at."), now=NOW)

    async def hold() -> None:
        async with world.sessions.tenant(family.tenant_id) as session:
            await restores.hold(session, actor(family), Restored(Cause.BY_HAND, "A drill."), now=NOW)

    world.run(hold())
    *first, last = HoldKind
    for kind in first:
        world.run(release(kind))
    assert woken(world, family) == set()
    world.run(release(last))
    assert woken(world, family) == wanted
