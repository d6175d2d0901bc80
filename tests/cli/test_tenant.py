"""`handrail tenant`: made once, with its starter content, and refused in words."""

import pytest

from cli.tenant import app
from rules.letters.templates import starter_templates
from tests.cli.running import asked, ran, said
from tests.keys import MASTER_KEYS
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
HARROWBY = ("create", "harrowby", "--name", "Harrowby Trust", "--country", "GB", "--timezone", "Europe/London")


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setenv("HANDRAIL_DATABASE_URL", database.app_url)
    monkeypatch.setenv("HANDRAIL_MASTER_KEYS", MASTER_KEYS)


def test_a_tenant_is_made_once_however_often_it_is_asked_for() -> None:
    first, again = said(ran(app, *HARROWBY)), said(ran(app, *HARROWBY))
    assert first["created"]
    assert again == {**first, "created": False}
    assert said(ran(app, "list")) == {name: value for name, value in first.items() if name != "created"}


def test_its_letters_can_go_out_and_its_rules_wait_for_two_people(database: Database) -> None:
    tenant = said(ran(app, *HARROWBY))["id"]
    letters = asked(
        database,
        tenant,
        "select t.key, v.status, v.approved_by, v.author_id, v.reason "
        "from letter_template_version v join letter_template t on t.id = v.template_id order by t.key",
    )
    shipped = [one.key for one in starter_templates()]
    assert letters == [(key, "APPROVED", None, None, "shipped with Handrail") for key in shipped]
    rules = asked(
        database,
        tenant,
        "select r.key, v.status, v.author_id from rule_set_version v join rule_set r on r.id = v.rule_set_id",
    )
    assert rules == [("general", "DRAFT", None)]


def test_what_was_made_stands_in_the_audit(database: Database) -> None:
    tenant = said(ran(app, *HARROWBY))["id"]
    verbs = [verb for (verb,) in asked(database, tenant, "select distinct verb from audit_entry order by 1")]
    assert verbs == ["approve_shipped_template", "create_tenant", "draft_ruleset", "draft_template"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("create", "No Spaces", "--name", "N"), "key:"),
        (("create", "north", "--name", "N", "--country", "UKX"), "country:"),
        (("create", "north", "--name", "N", "--timezone", "Europe/Londom"), "timezone:"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_should_be(arguments: tuple[str, ...], named: str) -> None:
    result = ran(app, *arguments)
    assert result.exit_code == 2
    assert named in result.stderr
