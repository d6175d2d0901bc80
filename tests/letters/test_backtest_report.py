"""The report of a backtest: one page that asks nothing of anybody, with pictures that can be read."""

import base64
import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from letters.backtest_report import page, pictures, told
from rules.rulesets.backtest_figures import Frame, Run, document
from tests.rules.rulesets.test_backtest_figures import FIRST, LAST, PEOPLE, letters, rules

SVG = "{http://www.w3.org/2000/svg}"


def figures(*, both: bool = True, many: int = 40) -> dict[str, Any]:
    runs = [Run(rules("Plain <b>rules</b>"), letters(range(many)))]
    runs += [Run(rules("Other"), letters(range(20, 55)))] if both else []
    return document(Frame(FIRST, LAST, PEOPLE, 3_900), runs)


def test_the_page_stands_alone_and_shows_every_table() -> None:
    text = page(figures(), date(2026, 11, 21))
    outside = re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|url\(|@import|<script|<link""", text)
    assert outside == []
    assert "Plain &lt;b&gt;rules&lt;/b&gt;" in text
    assert "<b>" not in text
    for heading in ("At a glance", "Who would be reached", "Entries by stage and month", "By school", "By send"):
        assert heading in text
    assert "s17" not in text


def test_one_rule_set_has_no_changes_to_show() -> None:
    text = page(figures(both=False), date(2026, 11, 21))
    assert "Plain" in text
    assert "Who would be reached" not in text


def test_every_picture_is_drawn_to_scale_and_told_in_words() -> None:
    found = pictures(figures())
    assert [one.title for one in found] == [
        "Entries by stage",
        "Letter steps a week",
        "Meetings a week",
        "Hours of staff time a week",
    ]
    for one in found:
        drawing = ET.fromstring(base64.b64decode(one.source.partition(",")[2]))
        assert drawing.tag == f"{SVG}svg"
        assert drawing.get("viewBox", "").startswith("0 0 400 ")
    entries = ET.fromstring(base64.b64decode(found[0].source.partition(",")[2]))
    widths = sorted({float(one.get("width", 0)) for one in entries.iter(f"{SVG}rect")})
    assert widths[-2] / widths[-3] == pytest.approx(40 / 35)
    assert "Plain <b>rules</b>: highest at letter with 40" in found[0].words


def test_what_is_hidden_says_so_and_is_drawn_as_five() -> None:
    shown = figures(both=False, many=4)
    assert told(None) == "hidden"
    assert "<td>hidden</td>" in page(shown, date(2026, 11, 21))
    assert "highest at letter with hidden" in pictures(shown)[0].words


def test_a_year_names_every_second_month_and_long_stages_are_cut() -> None:
    long = rules().model_copy(
        update={"stages": tuple(s.model_copy(update={"key": f"{s.key}-with-a-long-name"}) for s in rules().stages)}
    )
    year = document(Frame(date(2025, 9, 1), date(2026, 7, 20), PEOPLE, 9), [Run(long, [])])
    entries, weekly = (base64.b64decode(one.source.partition(",")[2]).decode() for one in pictures(year)[:2])
    assert "…" in entries
    assert ">Nov<" in weekly
    assert ">Oct<" not in weekly
