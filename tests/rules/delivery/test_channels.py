"""Registers have words of their own for the ways to reach a guardian."""

import pytest

from rules.delivery.channels import Channel, channel_of, channels_of


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("EMAIL", Channel.EMAIL),
        ("email", Channel.EMAIL),
        ("E-mail", Channel.EMAIL),
        (" Letter ", Channel.POST),
        ("mail", Channel.POST),
        ("post", Channel.POST),
        ("text", Channel.SMS),
        ("in_app", Channel.IN_APP),
        ("carrier pigeon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_word_names_a_channel_in_whatever_case_or_none(word: str | None, channel: Channel | None) -> None:
    assert channel_of(word) is channel


def test_words_that_name_no_channel_are_left_out_and_the_order_stays() -> None:
    assert channels_of(["text", "fax", "", "letter"]) == [Channel.SMS, Channel.POST]
