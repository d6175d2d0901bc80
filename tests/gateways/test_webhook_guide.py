"""The consumer's guide is true: its code verifies its example, and every post that we sign."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateways.webhooks import signed

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "events.md").read_text()
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    text: str = found
    return text


def verified() -> Any:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    return names["verified"]


def test_the_example_of_the_guide_verifies_with_its_code() -> None:
    example = json.loads(block("json"))
    body = example["body"].encode()
    event = verified()(example["secret"], example["headers"], body, NOW.timestamp())
    assert event["type"] == "org.handrail.StageEntered.v1"
    ours = signed(example["headers"]["webhook-id"], body, [b"0123456789abcdef0123456789abcdef"], NOW)
    assert example["headers"].items() <= dict(ours).items(), "it is what we send"


@pytest.mark.parametrize("wrong", ["body", "secret", "old"])
def test_the_code_of_the_guide_refuses_what_is_not_ours(wrong: str) -> None:
    example = json.loads(block("json"))
    body = example["body"].encode() + (b" " if wrong == "body" else b"")
    secret = "whsec_" + "A" * 43 + "=" if wrong == "secret" else example["secret"]
    now = NOW.timestamp() + (301 if wrong == "old" else 0)
    with pytest.raises(ValueError, match="not"):
        verified()(secret, example["headers"], body, now)
