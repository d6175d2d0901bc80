"""Code changed under running cases: `up` again with other workflow code, and a case begun before is approved."""

import asyncio
import shutil
from pathlib import Path

import pytest
from temporalio.client import Client

import workflows
from tests.faults.test_kills import recovered
from tests.faults.town import Town, Waiting

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]
NAME = "select 'att:' || tenant_id || ':' || school_year || ':' || id from instance where id = %s"


def changed_code(place: Path) -> Path:
    """A copy of the workflows with one more comment, which is another build; found before ours on the path."""
    shutil.copytree(workflows.__path__[0], place / "workflows", ignore=shutil.ignore_patterns("__pycache__"))
    with (place / "workflows" / "intervention.py").open("a") as code:
        code.write("# a build that came later\n")
    return place


def build_of(town: Town, step: Waiting) -> str:
    """The build that last moved the case, as Temporal has it."""

    async def described() -> str:
        client = await Client.connect(town.stack.settings()["HANDRAIL_TEMPORAL_ADDRESS"])
        ((name,),) = town.rows(NAME, step.instance_id)
        found = await client.get_workflow_handle(name).describe()
        return found.raw_description.workflow_execution_info.versioning_info.deployment_version.build_id

    return asyncio.run(described())


def test_a_case_begun_before_the_code_changed_is_approved_after_it(town: Town, tmp_path: Path) -> None:
    (step,) = town.take(1)
    before = build_of(town, step)
    assert town.stack.interrupt() == 0
    town.stack.variables = {"PYTHONPATH": str(changed_code(tmp_path))}
    town.stack.up()
    assert town.approve(step).status == 200
    recovered(town, [step])
    assert build_of(town, step) not in {"", before}
