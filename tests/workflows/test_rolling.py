"""Continue-as-new on a real server: the state, the keys and the remembered commands go along."""

import asyncio

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter

from rules.ladder import commands
from tests.servers.kinds import TemporalDev
from tests.workflows.driver import (
    ESCALATION,
    LETTER_1,
    LETTER_2,
    Walk,
    ladder,
    open_case,
    proposal_of,
    start_of_case,
    worker,
)
from tests.workflows.fake_ports import FakePorts
from tests.workflows.world import World
from workflows.messages import Settings, View

pytestmark = pytest.mark.servers


def test_a_rolled_case_still_knows_its_commands_and_sends_no_second_letter(temporal_dev: TemporalDev) -> None:
    async def story() -> None:
        client = await temporal_dev.client(data_converter=pydantic_data_converter)
        ports = FakePorts(World())
        settings = Settings(undo_seconds=0, history_budget=150)
        start = start_of_case(ladder(LETTER_1, LETTER_2, ESCALATION), settings)
        queue = f"rolling-{start.instance_id}"
        async with worker(client, ports, queue), asyncio.timeout(120):
            opened = await open_case(client, start, queue)
            handle = client.get_workflow_handle(opened.id, result_type=View)
            walk = Walk(None, handle, ports)
            proposal = proposal_of(await walk.pending("letter-1"))
            await walk.say("approve", commands.Approve, proposal_id=proposal, command_id="once")
            await walk.until(lambda v: v.state.advance_at, "wait")
            for _ in range(16):
                await walk.attendance()
            view = await walk.until(lambda v: v.state.runs >= 1, "roll")
            assert view.state.last_seq >= 1
            assert (await handle.describe()).run_id != opened.first_execution_run_id
            again = await walk.say("approve", commands.Approve, proposal_id=proposal, command_id="once")
            assert again.phase == "WAITING"
            assert ports.count("deliver_letter") == 1
            await walk.say("stop", commands.Stop, reason_code="STAFF_DECISION")
            assert (await walk.result()).status == "STOPPED"
            keys = [order.key for _, order in ports.log]
            assert len(keys) == len(set(keys))

    asyncio.run(story())


def test_what_the_temporal_ui_shows_is_searchable_and_names_nobody(temporal_dev: TemporalDev) -> None:
    async def story() -> None:
        client = await temporal_dev.client(data_converter=pydantic_data_converter)
        ports = FakePorts(World())
        start = start_of_case(ladder(LETTER_1, LETTER_2), Settings(undo_seconds=0))
        queue = f"showing-{start.instance_id}"
        async with worker(client, ports, queue), asyncio.timeout(60):
            handle = await open_case(client, start, queue)
            walk = Walk(None, handle, ports)
            await walk.pending("letter-1")
            shown = (await handle.describe()).typed_search_attributes
            values = {pair.key.name: pair.value for pair in shown}
            assert values["HandrailTenant"] == str(start.tenant_id)
            assert values["HandrailSchool"] == str(start.school_id)
            assert (values["HandrailStage"], values["HandrailPhase"]) == ("letter-1", "AWAITING_APPROVAL")
            assert values["HandrailAwaitingApproval"] is True
            assert values["HandrailRuleSet"] == "general:1"
            assert values["HandrailDueAt"]
            details = (await walk.view()).details
            assert details.startswith("**AWAITING_APPROVAL** letter-1, rule set general v1")
            assert "Waiting for approval of letter-1 since" in details
            assert "5 absences in 30 calendar days; threshold 5" in details
            await handle.terminate()

    asyncio.run(story())
