"""Care flags and guardians' preferences through the API."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text

from models.students import CareFlag
from tests.api.district import District

pytestmark = pytest.mark.servers
TUTOR = {"reason": "The family told the form tutor."}


def flags(district: District, student_id: object, *wanted: dict[str, Any]) -> Any:
    path = f"/students/{student_id}/care-flags"
    return district.change(path, {"care_flags": list(wanted), **TUTOR}, "safeguarding_lead")


def kept(district: District, student_id: object) -> list[tuple[str, str, str | None]]:
    async def read() -> list[tuple[str, str, str | None]]:
        async with district.sessions.tenant(district.ours.id) as session:
            rows = await session.scalars(select(CareFlag).where(CareFlag.student_id == student_id))
            return sorted((r.kind, str(r.starts_on), str(r.ends_on) if r.ends_on else None) for r in rows)

    return district.run(read())


def test_a_flag_asks_everybody_for_a_second_look_and_shows_its_kind_to_few(district: District) -> None:
    student_id = district.run(district.newcomer())
    assert district.get(f"/students/{student_id}", "attendance_officer").json()["second_look"] is False
    answer = flags(district, student_id, {"kind": "YOUNG_CARER", "starts_on": "2026-11-16"})
    assert answer.status_code == 200, answer.text
    assert district.get(f"/students/{student_id}", "attendance_officer").json()["second_look"] is True
    refused = district.get(f"/students/{student_id}/care-flags", "attendance_officer")
    assert (refused.status_code, refused.json()["code"]) == (403, "role_not_allowed")


def test_what_is_left_out_ends_and_keeps_its_past(district: District) -> None:
    student_id = district.run(district.newcomer())
    flags(
        district,
        student_id,
        {"kind": "YOUNG_CARER", "starts_on": "2026-09-01"},
        {"kind": "BEREAVED", "starts_on": "2026-12-01"},
        {"kind": "HOMELESS", "starts_on": "2026-10-01"},
    )
    flags(district, student_id, {"kind": "HOMELESS", "starts_on": "2026-10-01", "ends_on": "2026-12-24"})
    assert kept(district, student_id) == [
        ("BEREAVED", "2026-12-01", "2026-11-19"),
        ("HOMELESS", "2026-10-01", "2026-12-24"),
        ("YOUNG_CARER", "2026-09-01", "2026-11-19"),
    ]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ([{"kind": "LAZY", "starts_on": "2026-09-01"}], "kind"),
        ([{"kind": "BEREAVED", "starts_on": "2026-09-02", "ends_on": "2026-09-01"}], "ends_on is before"),
        ([{"kind": "BEREAVED", "starts_on": "2026-09-01"}] * 2, "same kind twice"),
    ],
)
def test_a_list_that_cannot_be_is_refused_whole(district: District, wanted: list[dict[str, Any]], said: str) -> None:
    student_id = district.run(district.newcomer())
    answer = flags(district, student_id, *wanted)
    assert answer.status_code == 422
    assert said in answer.text
    assert kept(district, student_id) == []


def preferences(district: District, person: str = "attendance_officer", **wanted: Any) -> Any:
    path = f"/guardians/{district.ours.guardians['bob']}/preferences"
    return district.change(path, {"reason": "Asked at the gate.", **wanted}, person)


def test_preferences_are_kept_and_shown(district: District) -> None:
    answer = preferences(district, language="pl", preferred_channel="POST", access_needs=["Large print"])
    assert answer.status_code == 200
    shown = district.get(f"/guardians/{district.ours.guardians['bob']}/preferences", "dpo").json()
    assert (shown["language"], shown["preferred_channel"]) == ("pl", "POST")
    assert shown["access_needs"] == ["Large print"]


@pytest.mark.parametrize(
    ("word", "shown"), [("email", "EMAIL"), ("Sms", "SMS"), ("letter", "POST"), ("carrier pigeon", None)]
)
def test_preferences_are_shown_and_changed_however_the_register_wrote_them(
    district: District, word: str, shown: str | None
) -> None:
    bob = district.ours.guardians["bob"]
    words = {"word": word, "declined": json.dumps([word]), "bob": bob}
    wrote = text(
        "update guardian set language = 'Polish (PL)', preferred_channel = :word, "
        "opted_out_channels = cast(:declined as jsonb) where id = :bob"
    )

    async def imported() -> None:
        async with district.sessions.tenant(district.ours.id) as session:
            await session.execute(wrote, words)

    district.run(imported())
    answer = district.get(f"/guardians/{bob}/preferences", "dpo")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["preferred_channel"], told["opted_out_channels"]) == (shown, [shown] if shown else [])
    assert preferences(district, language="pl", preferred_channel="POST").status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [
        {"language": "Polish!"},
        {"opted_out_channels": ["POST"]},
        {"preferred_channel": "SMS", "opted_out_channels": ["SMS"]},
    ],
)
def test_preferences_nobody_could_follow_are_refused(district: District, wanted: dict[str, Any]) -> None:
    assert preferences(district, **wanted).status_code == 422


def test_a_guardian_nobody_knows_is_not_found(district: District) -> None:
    missing = f"/guardians/{district.ours.id}/preferences"
    assert district.get(missing).status_code == 404
