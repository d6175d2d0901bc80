"""What an extract tells of an act, and what it keeps."""

import pytest

from rules.audit.telling import changes, told, why, words


@pytest.mark.parametrize(
    ("verb", "kind", "expected"),
    [
        ("approved", "instance", True),
        ("complete_task", "task", True),
        ("change_guardian_link", "guardian_link", False),
        ("set_contact_stop", "contact_stop", False),
        ("set_care_flag", "care_flag", False),
        ("send_referral", "referral", False),
        ("leave_referral_out", "referral", False),
        ("read_artifact", "letter_artifact", False),
        ("something_new", "kind_nobody_thought_about", False),
    ],
)
def test_what_is_told(*, verb: str, kind: str, expected: bool) -> None:
    assert told(verb, kind) is expected


def test_a_verb_is_told_in_words_and_an_unknown_one_by_its_name() -> None:
    assert words("complete_task") == "Task done"
    assert words("something_new") == "Something new"


def test_reasons_about_health_stay_where_they_are() -> None:
    assert why("instance", "The family asked.") == "The family asked."
    assert why("student", "Operation.") == ""
    assert why("instance", None) == ""
    assert why("task", "speak_with_family") == "speak with family"


@pytest.mark.parametrize(
    ("fields", "before", "after", "said"),
    [
        (["status"], {"status": "OPEN"}, {"status": "DONE"}, "status: open to done"),
        (["tier"], {}, {"tier": 2}, "tier: 2"),
        (
            ["result", "status"],
            {"status": "OPEN"},
            {"status": "DONE", "result": "x"},
            "status: open to done; also: result",
        ),
        (["notes"], {}, {"notes": "Confidential."}, ""),
        (
            ["starts_at"],
            {"starts_at": "2026-12-01 14:30:00+00:00"},
            {"starts_at": "2026-12-02T15:30:00+01:00"},
            "starts at: 2026-12-01 14:30 UTC to 2026-12-02 14:30 UTC",
        ),
        (["status"], {}, {}, "status (erased)"),
        ([], {}, {}, ""),
    ],
)
def test_changes_name_confidential_fields_and_never_their_values(
    fields: list[str], before: dict[str, object], after: dict[str, object], said: str
) -> None:
    assert changes(fields, before, after) == said
