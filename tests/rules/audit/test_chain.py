"""The chain over audit entries: one text per entry, and each hash rests on the one before."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from rules.audit.chain import GENESIS, SEALED_FIELDS, Link, canonical

TENANT, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ENTRY: dict[str, object] = dict.fromkeys(SEALED_FIELDS) | {"id": UUID(int=7), "seq": 1, "at": AT, "verb": "approve"}


def test_the_same_entry_in_the_same_place_has_the_same_hash() -> None:
    first = Link().next(TENANT, ENTRY)
    assert (first.position, len(first.hash)) == (1, 64)
    assert first == Link().next(TENANT, ENTRY | {"at": AT.astimezone(timezone(timedelta(hours=5)))})
    assert '"at":"2026-11-20T09:30:00.000000+00:00"' in canonical(TENANT, 1, GENESIS, ENTRY)


def test_another_tenant_place_predecessor_or_word_changes_the_hash() -> None:
    first = Link().next(TENANT, ENTRY)
    others = [
        Link().next(OTHER, ENTRY),
        Link(1, GENESIS).next(TENANT, ENTRY),
        first.next(TENANT, ENTRY),
        Link().next(TENANT, ENTRY | {"verb": "skip"}),
    ]
    assert len({first.hash, *(other.hash for other in others)}) == 5
