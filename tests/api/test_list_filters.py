"""Every id a list can be narrowed by: one that names nothing is refused and says where ids are found."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.district import District
from tests.api.furnished import Furnished, furnish

pytestmark = pytest.mark.servers
SLOTS = "/meetings/slots?school_id={school_id}&student_id={student_id}&from=2026-11-23&to=2026-11-24"
# the list, its filter, which of our things it names, who asks, and where the refusal sends them
FILTERS = (
    ("/interventions/queue", "assignee_id", "person", "attendance_officer", "GET /people"),
    ("/cases", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/tasks", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/tasks", "assignee_id", "person", "attendance_officer", "GET /people"),
    ("/tasks", "case_id", "case_id", "attendance_officer", "GET /cases"),
    ("/duties", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/plans", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/referrals", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/meetings", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/meetings", "instance_id", "instance_id", "attendance_officer", "GET /interventions/queue"),
    (SLOTS, "staff_id", "person", "attendance_officer", "GET /people"),
    ("/incidents", "student_id", "student_id", "dpo", "GET /students"),
    ("/contact-stops", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/letters/artifacts", "student_id", "student_id", "attendance_officer", "GET /students"),
    ("/letters/artifacts", "instance_id", "instance_id", "attendance_officer", "GET /interventions/queue"),
    ("/attendance/quarantine", "import_id", "import_id", "district_admin", "GET /attendance/imports"),
    ("/students/{student_id}/disclosures", "guardian_id", "guardian_id", "dpo", "GET /students/{id}/guardians"),
    ("/audit", "student_id", "student_id", "auditor", "GET /students"),
    ("/audit", "instance_id", "instance_id", "auditor", "GET /interventions/queue"),
    ("/audit", "actor_id", "person", "auditor", "GET /people"),
    ("/audit/extract?use=IEP&format=csv", "student_id", "student_id", "school_leader", "GET /students"),
)
each = pytest.mark.parametrize(
    ("path", "name", "thing", "person", "where"), FILTERS, ids=[f"{one[0].split('?')[0]}-{one[1]}" for one in FILTERS]
)


@pytest.fixture(scope="module")
def ours(district: District) -> Furnished:
    return district.run(furnish(district, district.ours))


@pytest.fixture(scope="module")
def theirs(district: District) -> Furnished:
    return district.run(furnish(district, district.theirs))


def of(district: District, made: Furnished, thing: str, *, at_home: bool) -> UUID:
    tenancy = district.ours if at_home else district.theirs
    return tenancy.people["attendance_officer"] if thing == "person" else made.things[thing]


def asked(district: District, ours: Furnished, path: str, person: str, **query: Any) -> Any:
    filled = path.replace("{student_id}", ours.id("student_id")).replace("{school_id}", ours.id("school_id"))
    return district.get(
        filled + ("&" if "?" in filled else "?") + "&".join(f"{k}={v}" for k, v in query.items()), person
    )


def test_these_are_all_the_filters_there_are(district: District) -> None:
    there = set()
    for path, verbs in district.get("/openapi.json").json()["paths"].items():
        for given in verbs.get("get", {}).get("parameters", []):
            kinds = [given["schema"], *given["schema"].get("anyOf", [])]
            if given["in"] == "query" and any(kind.get("format") == "uuid" for kind in kinds):
                there.add((path.removeprefix("/api/v1"), given["name"]))
    # no filters: whose slots, the other version of a comparison, the papers looked at; schools: test_bad_input.py
    there -= {("/meetings/slots", "student_id"), ("/interventions/rules/{version_id}/diff", "against")}
    there.remove(("/referrals/{referral_id}/readiness", "pack_id"))
    there = {(path, name) for path, name in there if name != "school_id"}
    assert there == {(path.split("?")[0], name) for path, name, *_ in FILTERS}


@each
def test_a_known_id_is_answered(
    district: District, ours: Furnished, path: str, name: str, thing: str, person: str, where: str
) -> None:
    answer = asked(district, ours, path, person, **{name: of(district, ours, thing, at_home=True)})
    assert answer.status_code == 200, answer.text


@each
@pytest.mark.parametrize("whose", ["nobody's", "theirs"])
def test_an_id_that_names_nothing_says_where_ids_are_found(
    district: District,
    ours: Furnished,
    theirs: Furnished,
    path: str,
    name: str,
    thing: str,
    person: str,
    where: str,
    whose: str,
) -> None:
    wanted = uuid4() if whose == "nobody's" else of(district, theirs, thing, at_home=False)
    answer = asked(district, ours, path, person, **{name: wanted})
    assert answer.status_code == 404, answer.text
    told = answer.json()
    assert told["code"].endswith("_not_found"), told
    assert str(wanted) in told["detail"]
    assert where in told["detail"]
