"""`handrail token`: what it prints opens the API, and what it cannot know it asks for."""

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from cli.token import command
from tests.api.district import KEY, District
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_TOKEN_SECRET", KEY.decode())


def ran(*arguments: str) -> Result:
    application = Typer()
    application.command()(command)
    return CliRunner().invoke(application, arguments)


@pytest.mark.usefixtures("settings")
def test_the_token_opens_the_api(district: District) -> None:
    result = ran("--as", "attendance_officer", "--tenant", district.ours.key)
    assert result.exit_code == 0
    answer = district.get("/schools", None, headers={"Authorization": f"Bearer {result.stdout.strip()}"})
    assert [school["name"] for school in answer.json()["items"]] == ["Oak School"]


@pytest.mark.usefixtures("settings")
def test_a_person_may_be_named(district: District) -> None:
    result = ran("--as", "teacher", "--person", "teacher-elm", "--tenant", district.ours.key)
    answer = district.get("/schools", None, headers={"Authorization": f"Bearer {result.stdout.strip()}"})
    assert [school["name"] for school in answer.json()["items"]] == ["Elm School"]


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--as", "teacher"), "name one of the tenants"),
        (("--as", "teacher", "--tenant", "nowhere"), "there is no tenant nowhere"),
        (("--as", "teacher", "--tenant", "OURS", "--person", "dpo"), "does not hold the role teacher"),
    ],
)
def test_what_is_missing_is_asked_for(district: District, arguments: tuple[str, ...], said: str) -> None:
    result = ran(*(district.ours.key if part == "OURS" else part for part in arguments))
    assert result.exit_code == 2
    assert said in result.stderr
