"""Templates are safe, balanced and know their fields, or are refused with every place named."""

import pytest

from rules.errors import Invalid
from rules.letters.blocks import Element, Field, Text, When
from rules.letters.parsing import parse_template


def refused(body: str, **options: object) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_template(body, title="T", **options)  # type: ignore[arg-type]  # wrong schemas are the point
    assert caught.value.code == "template_invalid"
    return caught.value.fields


def test_a_body_becomes_elements_fields_and_conditions() -> None:
    document = parse_template("<p>Dear {{ salutation }}{% if reply_by %}<b>!</b>{% endif %}<br></p>", title="T")
    paragraph = Element(
        "p",
        (
            Text("Dear "),
            Field("salutation", "body line 1 column 9"),
            When("reply_by", True, (Element("strong", (Text("!"),)),)),
            Element("br"),
        ),
    )
    assert document.blocks == (paragraph,)


def test_the_same_body_is_parsed_once() -> None:
    assert parse_template("<p>A</p>", title="T") is parse_template("<p>A</p>", title="T")


def test_character_references_become_their_characters() -> None:
    document = parse_template("<p>&amp;&#233;</p>", title="T")
    assert document.blocks == (Element("p", (Text("&"), Text("é"))),)


@pytest.mark.parametrize(
    ("body", "place", "reason"),
    [
        ("", "body", "is empty"),
        ("<p>{{ nobody }}</p>", "body line 1 column 4", "'nobody' is not a merge field"),
        ("<p>a</p>\n <p>b\n{{ nobody }}</p>", "body line 3 column 1", "'nobody' is not a merge field"),
        ("<p>{% if nobody %}{% endif %}</p>", "body line 1 column 4", "'nobody' is not a merge field"),
        ("<p>x<script>y</script></p>", "body line 1 column 5", "<script> is not allowed"),
        ("<img>", "body line 1 column 1", "<img> is not allowed"),
        ('<p onclick="x">y</p>', "body line 1 column 1", "remove onclick"),
        ("<!-- x --><p>y</p>", "body line 1 column 1", "comments"),
        ("<!DOCTYPE html><p>y</p>", "body line 1 column 1", "declarations"),
        ("<![CDATA[x]]><p>y</p>", "body line 1 column 1", "declarations"),
        ("<?php x ?><p>y</p>", "body line 1 column 1", "processing instructions"),
        ("loose", "body line 1 column 1", "put it into a paragraph"),
        ("{{ reply_by }}", "body line 1 column 1", "may not stand directly in <body>"),
        ("<p><p>x</p></p>", "body line 1 column 4", "<p> may not stand in <p>"),
        ("<table><tr><p>x</p></tr></table>", "body line 1 column 12", "<p> may not stand in <tr>"),
        ("<p>x", "body line 1 column 1", "<p> is never closed"),
        ("<p>x</p></p>", "body line 1 column 9", "closes nothing"),
        ("<p>x</p><a href", "body line 1 column 9", "in the middle of a tag"),
        ("<p>{{ reply_by</p>", "body line 1 column 4", "has no partner"),
        ("<p>reply_by }}</p>", "body line 1 column 13", "has no partner"),
        ("<p>{% if reply_by %}x</p>", "body line 1 column 4", "never closed"),
        ("<p>x{% endif %}</p>", "body line 1 column 5", "closes no if"),
        ("<p>{% else %}</p>", "body line 1 column 4", "use if, if not and endif"),
        ("<p>{% if reply_by %}</p>{% endif %}", "body line 1 column 21", "closes nothing here"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(body: str, place: str, reason: str) -> None:
    assert reason in refused(body)[place]


def test_everything_wrong_is_told_at_once() -> None:
    assert len(refused("<p>{{ one }}</p>\n<p>{{ two }}</p>")) == 2


def test_a_template_may_declare_its_own_fields() -> None:
    document = parse_template("<p>{{ bus }}</p>", title="T", schema={"bus": {"type": "text", "label": "Bus route"}})
    assert document.fields["bus"].label == "Bus route"
    assert parse_template("<p>{{ n }}</p>", title="T", schema={"n": "number"}).fields["n"].type == "number"


@pytest.mark.parametrize(
    ("schema", "place", "reason"),
    [
        ({"Bus Route": "text"}, "merge_field_schema.Bus Route", "not a field name"),
        ({"bus": {"type": "colour"}}, "merge_field_schema.bus", "needs a type"),
        ({"bus": 3}, "merge_field_schema.bus", "needs a type"),
        ({"reply_by": "text"}, "merge_field_schema.reply_by", "standard field of type date"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_place(schema: dict[str, object], place: str, reason: str) -> None:
    assert reason in refused("<p>x</p>", schema=schema)[place]
