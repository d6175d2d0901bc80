"""One version of a template in all its languages: one source, nothing unreadable, a machine's text named as such."""

from typing import Any

import pytest

from rules.errors import Invalid
from rules.letters.templates import TemplatePurpose
from rules.letters.versions import TemplateText, findings, refuse_unreadable

ENGLISH = "<p>Ring {{ contact_name }} on {{ contact_phone }}.</p>"
IRISH = "<p>Glaoigh ar {{ contact_name }} ag {{ contact_phone }}.</p>"


def text(**texts: Any) -> TemplateText:
    english = {"title": "A letter", "body": ENGLISH}
    return TemplateText.model_validate({"language": "en", "texts": {"en": english, **texts}})


def irish(state: str = "human_checked", **more: Any) -> dict[str, Any]:
    return {"title": "Litir", "body": IRISH, "state": state, **more}


def test_what_is_stored_is_read_back_the_same() -> None:
    written = text(ga=irish())
    body, translations = written.row()
    assert (body, "body" in translations["en"]) == (ENGLISH, False)
    assert {code: one["human_checked"] for code, one in translations.items()} == {"en": True, "ga": True}
    assert TemplateText.stored(body, translations, {}) == written
    assert text(ga=irish("machine")).row()[1]["ga"]["human_checked"] is False


def test_a_guardian_gets_their_language_its_base_form_or_the_source() -> None:
    both = text(ga=irish())
    assert [both.best(code) for code in ("ga", "ga-IE", "pl", "en")] == ["ga", "ga", "en", "en"]
    assert both.document("ga").title == "Litir"


@pytest.mark.parametrize(
    ("texts", "place"),
    [
        ({"ga": irish("source")}, "texts"),
        ({"ga": irish(subject="{school_name}: attendance of {student_last_name}")}, "texts.ga.subject"),
    ],
)
def test_a_version_that_cannot_stand_is_refused_at_its_place(texts: dict[str, Any], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_unreadable(text(**texts))
    assert place in refused.value.fields


def test_every_language_is_read() -> None:
    refuse_unreadable(text(ga=irish()))
    with pytest.raises(Invalid):
        refuse_unreadable(text(ga=irish(body="<p>{{ no_such_field }}</p>")))


@pytest.mark.parametrize(
    ("purpose", "blocking"), [(TemplatePurpose.STATUTORY, True), (TemplatePurpose.SUPPORTIVE, False)]
)
def test_a_machines_translation_is_named_and_blocks_what_has_legal_weight(
    purpose: TemplatePurpose, *, blocking: bool
) -> None:
    found = {one.code: one.blocking for one in findings(text(ga=irish("machine")), purpose)}
    assert found["machine_translation"] is blocking
    assert "machine_translation" not in {one.code for one in findings(text(ga=irish()), purpose)}


def test_what_blocks_comes_first_and_names_its_language() -> None:
    long = ENGLISH + "<p>" + "Word. " * 151 + "</p>"
    found = findings(text(ga=irish("machine", body=long)), TemplatePurpose.SUPPORTIVE)
    assert [one.blocking for one in found] == sorted((one.blocking for one in found), reverse=True)
    assert any(one.code == "page_one_too_long" and one.message.startswith("ga: ") for one in found)
