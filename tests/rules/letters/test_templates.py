"""The starter templates are plain, kind and short; the gate finds what is not."""

import pytest

from rules.delivery.lock_screen import lint
from rules.errors import Invalid, NotFound
from rules.letters.checks import check_template, lacking
from rules.letters.filling import fill, merge_fields_used
from rules.letters.parsing import parse_template
from rules.letters.reading import plain_text, words_on_first_page
from rules.letters.templates import StarterTemplate, TemplatePurpose, starter_template, starter_templates
from rules.rulesets.ruleset import load_pack
from tests.rules.letters.samples import DATA

GOOD = "<h1>Help for {{ student_first_name }}</h1><p>Ring {{ contact_name }} on {{ contact_phone }}.</p>"


def findings(body: str, purpose: str = "supportive", language: str = "en") -> dict[str, bool]:
    document = parse_template(body, title="T", language=language)
    return {found.code: found.blocking for found in check_template(document, TemplatePurpose(purpose))}


def test_the_shipped_keys() -> None:
    assert [template.key for template in starter_templates()] == [
        "ESCALATION_NOTICE", "EXIT_CELEBRATION", "LETTER_1_ATTENDANCE", "LETTER_2_ATTENDANCE", "MEETING_INVITATION",
        "NOTICE_TO_IMPROVE", "RESCISSION", "SUPPORT_PLAN",
    ]  # fmt: skip
    with pytest.raises(NotFound, match="LETTER_1_ATTENDANCE"):
        starter_template("LETTER_9")


@pytest.mark.parametrize("template", starter_templates(), ids=lambda t: t.key)
def test_a_starter_passes_its_own_gate(template: StarterTemplate) -> None:
    document = template.parsed()
    assert check_template(document, template.purpose) == ()
    assert not lint(template.subject)
    assert words_on_first_page(fill(document, DATA)) < 150
    assert "student_first_name" in merge_fields_used(document)


def test_an_unexplained_absence_is_something_we_do_not_know_yet() -> None:
    document = starter_template("LETTER_1_ATTENDANCE").parsed()
    assert "we do not know why yet" in plain_text(fill(document, DATA))
    assert "we do not know why yet" not in plain_text(fill(document, {**DATA, "unexplained_count": 0}))


def test_a_good_template_has_no_findings() -> None:
    assert findings(GOOD) == {}


def test_a_long_first_page_is_refused_and_a_long_sentence_is_shown() -> None:
    assert findings(GOOD + "<p>" + "Word. " * 151 + "</p>") == {"page_one_too_long": True}
    assert findings(GOOD + "<p>" + "word " * 31 + "</p>") == {"long_sentence": False}
    assert findings(GOOD + "<hr><p>" + "Word. " * 151 + "</p>") == {}


def test_harsh_words_are_kept_for_statutory_letters() -> None:
    harsh = GOOD + "<p>Court is next.</p>"
    assert findings(harsh) == {"harsh_words": True}
    assert findings(harsh, "statutory") == {}


def test_another_language_asks_for_a_person() -> None:
    assert findings(GOOD, language="pl") == {"tone_by_person": False}


def test_a_letter_opens_with_the_child_and_help_and_names_one_person() -> None:
    assert findings("<p>Hello.</p>") == {
        "no_child_in_opening": True,
        "no_named_person": True,
        "no_wish_to_help": True,
    }
    assert findings("<p>Hello.</p>", "celebration") == {"no_named_person": True}


def test_a_block_says_which_element_of_a_notice_it_is() -> None:
    body = (
        '<h1>Help</h1><p data-element="period">Six weeks.</p><p data-element="empty"></p>'
        '{% if review_date %}<p data-element="warning">Perhaps.</p>{% endif %}'
    )
    document = parse_template(body, title="T")
    assert lacking(document, ["period", "warning", "empty", "support"]) == ["warning", "empty", "support"]


@pytest.mark.parametrize(
    "body",
    [
        '<h1 data-element="period">Six weeks.</h1>',
        '<p data-element="Six weeks">Six weeks.</p>',
        "<p data-element>Six weeks.</p>",
        '<p data-element="period" class="x">Six weeks.</p>',
    ],
)
def test_no_other_block_and_no_other_attribute(body: str) -> None:
    with pytest.raises(Invalid):
        parse_template(body, title="T")


def test_the_notice_has_every_element_that_english_guidance_asks_for() -> None:
    pack = load_pack("gb-eng-2024")
    elements = pack.stages[pack.index_of("notice-to-improve")].elements
    assert len(elements) == 8
    notice = starter_template("NOTICE_TO_IMPROVE").parsed()
    assert lacking(notice, elements) == []
    said = plain_text(fill(notice, {**DATA, "support_so_far": [], "early_grounds": []}))
    assert "nothing on record" in said
    assert "Nothing will be asked before this notice ends." in said
