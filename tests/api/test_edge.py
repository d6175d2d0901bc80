"""The shape of every answer: problems, request ids, security headers, health, metrics."""

from dataclasses import replace
from datetime import datetime

import pytest

from api.app import BODY_BYTES
from tests.api.district import District

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing-here", 404, "no_such_address"),
        ("DELETE", "/schools", 405, "method_not_allowed"),
        ("GET", "/schools/not-an-id/calendar", 404, "no_such_address"),
    ],
)
def test_errors_of_the_framework_are_problems_too(
    district: District, method: str, path: str, status: int, code: str
) -> None:
    answer = district.call(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "code", "detail", "fields", "request_id"}


def test_the_request_id_goes_in_and_comes_out(district: District) -> None:
    assert district.get("/schools", headers={"X-Request-Id": "trace-42-abc"}).headers["X-Request-Id"] == "trace-42-abc"
    invented = district.get("/schools", headers={"X-Request-Id": "bad id\twith blanks"}).headers["X-Request-Id"]
    assert len(invented) == 36
    refused = district.get("/schools", None, headers={"X-Request-Id": "trace-43-abc"})
    assert refused.json()["request_id"] == "trace-43-abc"


def test_answers_carry_the_security_headers(district: District) -> None:
    headers = district.get("/schools").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_documents_load_nothing_from_another_host(district: District) -> None:
    page = district.get("/docs", None)
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    assert "'self'" in page.headers["Content-Security-Policy"]


def test_health_and_readiness_need_no_token(district: District) -> None:
    assert district.get("/healthz", None).json() == {"status": "ok"}
    assert district.get("/readyz", None).json() == {"ready": True, "parts": {"database": "ok"}}


def test_metrics_count_by_route_and_never_by_id(district: District) -> None:
    district.get("/schools")
    text = district.get("/metrics", None).text
    assert 'handrail_http_requests_total{method="GET",route="list_schools",status="200"}' in text
    assert str(district.ours.schools["oak"]) not in text


def test_a_part_that_is_away_makes_the_whole_not_ready(district: District) -> None:
    async def away() -> None:
        raise ConnectionError

    parts = district.app.state.parts
    district.app.state.parts = replace(parts, probes={**parts.probes, "storage": away})
    answer = district.get("/readyz", None)
    district.app.state.parts = parts
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json() == {"ready": False, "parts": {"database": "ok", "storage": "failing"}}


def test_a_fault_of_ours_says_nothing_of_the_inside(district: District) -> None:
    def stopped() -> datetime:
        raise RuntimeError("a name that must not be shown")

    parts = district.app.state.parts
    district.app.state.parts = replace(parts, clock=stopped)
    answer = district.get("/students")
    district.app.state.parts = parts
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "a name" not in answer.text


def test_a_character_that_no_database_keeps_is_refused_wherever_it_stands(district: District) -> None:
    body = {"kind": "CALL_BACK", "title": "Ring\0", "due_on": "2026-12-01"}
    for wrong in (body, {**body, "title": "x", "kind": "\0"}):
        answer = district.post("/tasks", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    half = district.post(
        "/tasks", content=b'{"kind": "CALL_BACK", "title": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert half.status_code == 422
    assert district.get("/students?search=%00").status_code == 400


def test_a_body_beyond_the_limit_is_refused(district: District) -> None:
    answer = district.post("/tasks", content=b"x" * (BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
