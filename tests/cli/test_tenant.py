"""`handrail tenant`: made once, with its starter content, and refused in words."""

import pytest

from cli import token
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


def test_its_letters_can_go_out_while_rules_and_wording_of_law_wait_for_two_people(database: Database) -> None:
    tenant = said(ran(app, *HARROWBY))["id"]
    letters = asked(
        database,
        tenant,
        "select t.key, v.status, v.approved_by, v.author_id, v.reason "
        "from letter_template_version v join letter_template t on t.id = v.template_id order by t.key",
    )
    states = {one.key: "DRAFT" if one.purpose == "statutory" else "APPROVED" for one in starter_templates()}
    assert [key for key, state in states.items() if state == "DRAFT"] == ["NOTICE_TO_IMPROVE"]
    assert letters == [(key, state, None, None, "shipped with Handrail") for key, state in states.items()]
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


def appoint(key: str) -> tuple[str, ...]:
    """The words that make Amy its administrator."""
    return ("appoint", key, "amy@example.org", "--name", "Amy Ng", "--reason", "Our first.")


def test_a_new_tenant_gets_somebody_who_can_sign_in(database: Database) -> None:
    tenant = said(ran(app, "create", "linden", "--name", "Linden Trust"))["id"]
    assert said(ran(app, *appoint("linden"))) == {"tenant": "linden", "administrator": "amy@example.org"}
    stands = (
        "select p.display_name, p.active, r.role, r.all_schools "
        "from person p join role_assignment r on r.person_id = p.id"
    )
    assert asked(database, tenant, stands) == [("Amy Ng", True, "district_admin", True)]
    told = "select reason from audit_entry where verb = 'appoint_administrator'"
    assert asked(database, tenant, told) == [("Our first.",)]
    again = ran(app, *appoint("linden"))
    assert (again.exit_code, "already" in again.stderr) == (2, True)


def test_whoever_asks_for_a_token_too_early_is_led_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_TOKEN_SECRET", "x" * 32)
    ran(app, "create", "early", "--name", "Early Trust")
    wish = ("--as", "district_admin", "--tenant", "early")
    refused = ran(token.command, *wish)
    assert (refused.exit_code, "handrail tenant appoint" in refused.stderr) == (2, True)
    ran(app, *appoint("early"))
    assert ran(token.command, *wish).exit_code == 0


def test_an_administrator_who_was_switched_off_is_let_in_again(database: Database) -> None:
    tenant = said(ran(app, "create", "locked", "--name", "Locked Trust"))["id"]
    ran(app, *appoint("locked"))
    assert asked(database, tenant, "update person set active = false returning active") == [(False,)]
    assert ran(app, *appoint("locked")).exit_code == 0
    assert asked(database, tenant, "select active from person") == [(True,)]


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
