"""Every kind of issue says what to do about it."""

import pytest

from rules.attendance.quality import IssueKind, advice


@pytest.mark.parametrize("kind", IssueKind)
def test_every_issue_carries_advice(kind: IssueKind) -> None:
    assert advice(kind.value)
