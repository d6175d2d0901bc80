"""Which parts run here and which are somebody else's, decided before the first process starts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.folder import StackFolder
from deploy.local.parts import Plan, environment, postgres, servers
from settings import Settings

THEIRS = {
    "postgres": {"HANDRAIL_DATABASE_URL": "postgresql://app:pw@db.example.org/handrail"},
    "temporal": {"HANDRAIL_TEMPORAL_ADDRESS": "temporal.example.org:7233", "HANDRAIL_TEMPORAL_API_KEY": "key"},
    "s3": {"HANDRAIL_S3_ENDPOINT": "https://store.example.org", "HANDRAIL_S3_ACCESS_KEY": "a"},
    "mail": {"HANDRAIL_SMTP_HOST": "smtp.example.org", "HANDRAIL_SMTP_USER": "letters"},
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], Plan]:
    """Make the plan for some variables, with nothing else set."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HANDRAIL_{name.upper()}", raising=False)

    def make(variables: dict[str, str]) -> Plan:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        folder = StackFolder(tmp_path / "state")
        folder.open()
        return Plan(folder, Settings.load(attach=False), folder.ports(None), folder.secrets(), demo=False)

    return make


def running(plan: Plan) -> set[str]:
    found = {part.key for part in servers(plan)} - {"codec"}
    return found | ({"postgres"} if postgres(plan) else set())


def test_without_variables_every_part_runs_here(plan: Callable[[dict[str, str]], Plan]) -> None:
    assert running(plan({})) == set(THEIRS)


@pytest.mark.parametrize("part", THEIRS)
def test_a_variable_replaces_its_own_part_and_no_other(plan: Callable[[dict[str, str]], Plan], part: str) -> None:
    made = plan(THEIRS[part])
    assert running(made) == set(THEIRS) - {part}
    told = environment(made)
    assert {name: told[name].replace("+psycopg", "") for name in THEIRS[part]} == THEIRS[part]


def test_ports_and_secrets_are_kept(plan: Callable[[dict[str, str]], Plan]) -> None:
    first, second = plan({}), plan({})
    assert (first.ports, first.secrets) == (second.ports, second.secrets)
    assert len(set(first.ports.values())) == len(first.ports)


def test_the_password_of_the_owner_reaches_no_part_of_the_product(plan: Callable[[dict[str, str]], Plan]) -> None:
    made = plan({"HANDRAIL_DATABASE_OWNER_URL": "postgresql://owner:hidden@db.example.org/handrail"})
    assert "hidden" not in str(environment(made))
