"""Packs of law through the API: listed with their sources, drafted as layers, refused where they are not the law."""

from typing import Any
from uuid import UUID

import pytest

from rules.rulesets.ruleset import PACKS, digest, dump_ruleset, load_pack
from tests.api.district import District
from tests.api.test_rules import IN_FORCE, RULES, STAGES, WHY, document, moved

pytestmark = pytest.mark.servers
REASON = "Agreed with the governors."


def change(at: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"at": at, "value": value, "reason": REASON, **more}


def post(district: District, written: dict[str, Any], person: str = "school_leader") -> Any:
    return district.post(RULES, person, json={"document": written, **WHY})


def test_every_pack_shows_its_sources_and_what_nobody_has_confirmed(district: District) -> None:
    packs = {one["name"]: one for one in district.get(f"{RULES}/packs").json()["items"]}
    assert tuple(packs) == PACKS
    england = packs["gb-eng-2024"]
    assert (england["jurisdiction"], england["effective_from"]) == ("GB-ENG", "2024-08-19")
    assert england["digest"] == digest(load_pack("gb-eng-2024"))
    sources = england["law"]["sources"]
    assert all(one["source"] and one["checked_on"] == "2026-11-21" for one in sources)
    assert {one["authority"] for one in sources} >= {"regulation", "statutory_guidance", "statistic"}
    ireland = {one["key"]: one for one in packs["ie-ewa-2000"]["law"]["unconfirmed"]}
    assert ireland["in-force-since"]["bars_activation"] is True
    assert ireland["under-six"]["bars_activation"] is False
    assert "from memory" in ireland["in-force-since"]["note"]


def test_a_layer_is_drafted_and_says_what_it_changed_and_by_whom(district: District) -> None:
    written = {"pack": "us-ca", "key": "layered", "overrides": [change("stages/letter-2/wait_school_days", 5)]}
    made = post(district, written)
    assert made.status_code == 201, made.text
    law = made.json()["version"]["law"]
    author = made.json()["version"]["author_id"]
    (said,) = law["overrides"]
    assert (law["pack"], said["was"], said["value"], said["by"], said["reason"]) == ("us-ca", 10, 5, author, REASON)
    assert {one["text"] for one in law["sources"]} >= {"EC 48260.5", "EC 48263"}
    version = made.json()["version"]["id"]
    whole = district.get(f"{RULES}/{version}").json()["document"]
    again = district.change(f"{RULES}/{version}", {"document": whole, **WHY}, "school_leader-2")
    assert again.status_code == 200, again.text
    assert again.json()["version"]["law"]["overrides"][0]["by"] == author
    told = district.get(f"{RULES}/{version}/checks").json()
    assert [one["pointer"] for one in told["findings"]] == []


@pytest.mark.parametrize(
    ("looser", "code"),
    [
        (change("stages/truancy-notice/wait_school_days", 1), "law_loosened"),
        (change("duties/report-1/deadline/n", 30), "law_loosened"),
        (change("citations", []), "layer_invalid"),
    ],
)
def test_a_layer_that_makes_the_law_looser_is_refused_with_its_place(
    district: District, looser: dict[str, Any], code: str
) -> None:
    answer = post(district, {"pack": "us-ca", "key": "looser", "overrides": [looser]})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"].startswith("/overrides/0/")


def test_the_key_of_a_pack_of_law_is_not_for_something_else(district: District) -> None:
    other = dump_ruleset(load_pack("us-tx")) | {"title": "Ours"}
    answer = post(district, other)
    assert (answer.status_code, answer.json()["code"]) == (422, "ruleset_pack_fixed")
    assert "use a key of your own" in answer.json()["detail"]


def in_review(district: District, key: str, **changes: Any) -> str:
    made = post(district, document(key, **changes))
    assert made.status_code == 201, made.text
    version = str(made.json()["version"]["id"])
    moved(district, version, *IN_FORCE[:2])
    return version


def activated(district: District, version: str) -> Any:
    return district.post(f"{RULES}/{version}/activate", "district_admin", json=WHY)


def say_jurisdiction(district: District, *places: str | None) -> None:
    path = f"/tenants/{district.ours.id}/settings"
    now = district.get(path).json()["settings"]
    schools = zip(sorted(district.ours.schools), places, strict=True)
    said = {str(district.ours.schools[name]): {"jurisdiction": place} for name, place in schools}
    body = {"settings": {**now, "schools": said}, "reason": REASON}
    answer = district.change(path, body)
    assert answer.status_code == 200, answer.text


def test_a_rule_set_is_not_put_in_force_outside_its_jurisdiction(district: District) -> None:
    say_jurisdiction(district, None, None)
    version = in_review(district, "elsewhere", jurisdiction="US-CA")
    refused = activated(district, version)
    assert (refused.status_code, refused.json()["code"]) == (422, "ruleset_elsewhere")
    assert "is the law of US-CA and would reach" in refused.json()["fields"]["jurisdiction"]
    (told,) = [
        one for one in district.get(f"{RULES}/{version}/checks").json()["not_ready"] if one["flaw"] == "elsewhere"
    ]
    assert told["pointer"] == "/jurisdiction"
    say_jurisdiction(district, "US-CA", "US-TX")
    half = activated(district, version)
    assert "US-TX" in half.json()["fields"]["jurisdiction"]
    assert "US-CA)" not in half.json()["fields"]["jurisdiction"]
    say_jurisdiction(district, "US-CA", "US-CA")
    assert activated(district, version).json()["status"] == "ACTIVE"
    moved(district, version, ("retire", "district_admin"))
    say_jurisdiction(district, None, None)


def test_a_scope_may_keep_to_the_schools_of_its_jurisdiction(district: District) -> None:
    say_jurisdiction(district, "US-CA", None)
    school: UUID = district.ours.schools[min(district.ours.schools)]
    version = in_review(district, "one-school", jurisdiction="US-CA", scope={"schools": [str(school)]})
    assert activated(district, version).json()["status"] == "ACTIVE"
    moved(district, version, ("retire", "district_admin"))
    say_jurisdiction(district, None, None)


@pytest.mark.parametrize(
    ("key", "dates", "place", "words"),
    [
        ("too-late", {"effective_to": "2025-09-29"}, "effective_to", "its last day was 2025-09-29"),
        ("too-early", {"effective_from": "2126-09-30"}, "effective_from", "it begins on 2126-09-30"),
    ],
)
def test_a_rule_set_is_not_put_in_force_outside_its_time(
    district: District, key: str, dates: dict[str, str], place: str, words: str
) -> None:
    refused = activated(district, in_review(district, key, **dates))
    assert (refused.status_code, refused.json()["code"]) == (422, "ruleset_elsewhere")
    assert words in refused.json()["fields"][place]


def test_a_pack_that_waits_to_be_confirmed_is_not_put_in_force(district: District) -> None:
    waiting = {"key": "start", "note": "The first day is from memory.", "effective_from": "2020-01-01"}
    refused = activated(district, in_review(district, "waiting", verify=[waiting], stages=STAGES))
    assert (refused.status_code, refused.json()["code"]) == (422, "ruleset_not_ready")
    assert "confirm it by an override" in refused.json()["fields"]["verify[0]"]
