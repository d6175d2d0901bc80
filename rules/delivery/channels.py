"""The ways to reach a guardian, and the words that registers use for them."""

from collections.abc import Iterable
from enum import StrEnum


class Channel(StrEnum):
    """A way by which something may reach a guardian."""

    EMAIL = "EMAIL"
    POST = "POST"
    SMS = "SMS"
    PUSH = "PUSH"
    IN_APP = "IN_APP"


WORDS = {"e-mail": Channel.EMAIL, "letter": Channel.POST, "mail": Channel.POST, "text": Channel.SMS}


def channel_of(word: str | None) -> Channel | None:
    """The channel that a register's word names, in whatever case; None for a word of its own.

    >>> channel_of("Letter"), channel_of("email"), channel_of("carrier pigeon")
    (<Channel.POST: 'POST'>, <Channel.EMAIL: 'EMAIL'>, None)
    """
    said = (word or "").strip()
    if said.upper() in Channel.__members__:
        return Channel[said.upper()]
    return WORDS.get(said.lower())


def channels_of(words: Iterable[str]) -> list[Channel]:
    """The channels that these words name; the others are left out."""
    return [channel for channel in map(channel_of, words) if channel is not None]
