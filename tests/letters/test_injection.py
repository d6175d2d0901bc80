"""A name or a reason that looks like a program is printed as it stands: nothing in a value is ever run."""

from html.parser import HTMLParser
from typing import Any

import pytest

from letters.render import render
from rules.delivery import mail_text
from rules.errors import Invalid
from rules.letters.filling import fill
from rules.letters.parsing import parse_template
from tests.letters.pages import texts
from tests.rules.letters.samples import FRAME

HOSTILE = [
    "{{ 7 * 7 }}",
    "{% for x in y %}",
    "{{ guardian_name }}",
    "<b>bold</b>",
    "<img src=x onerror=alert(1)>",
    "<para><font color='red'>x",
    "</p><script>alert(1)</script>",
    "&lt;&#60;&",
    "${jndi:ldap://x}",
    "%s %(name)s {0.__class__}",
]


def printed(body: str, **values: Any) -> str:
    letter = fill(parse_template(body, title="T", language="en"), {**FRAME, **values})
    return " ".join(" ".join(texts(render(letter).content)).split())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_value_in_a_letter_is_printed_as_it_stands(name: str) -> None:
    text = printed("<p>Dear {{ student_first_name }} end</p>", student_first_name=name)
    assert f"Dear {name} end".replace(" ", "") in text.replace(" ", "")


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src='file:///etc/passwd'>",
        "<p onclick='x'>a</p>",
        "<a href='javascript:alert(1)'>x</a>",
        "<p style='background:url(http://x)'>a</p>",
        "<iframe src='http://169.254.169.254'></iframe>",
        "<p>{{ 7 * 7 }}</p>",
        "<p>{{ ''.__class__ }}</p>",
        "<p>{{ student_first_name|attr('x') }}</p>",
        "<p>{% import os %}</p>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><p>&a;</p>",
    ],
)
def test_a_template_holds_words_and_fields_only(body: str) -> None:
    with pytest.raises(Invalid):
        printed(body, student_first_name="Ann")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def tags(html: str) -> list[str]:
    reader = _Tags()
    reader.feed(html)
    return reader.seen


@pytest.mark.parametrize("school", ["<img src=x onerror=alert(1)> School", "</p><script>alert(1)</script>"])
def test_a_schools_name_in_a_mail_is_text(school: str) -> None:
    plain, hostile = (mail_text.letter_mail(name, "Aoife Byrne", "+353 1 555 0100") for name in ("Oak School", school))
    assert tags(hostile.html) == tags(plain.html)
