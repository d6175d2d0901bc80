"""Links that lead a guardian to one thing: the whole way, every way that opens nothing, and what each leaves."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, text, update

from api.console import Console
from api.routes.visits import COOKIE
from gateways.mailer import SmtpAddress, SmtpMailer
from gateways.rate_limits import RateLimits
from gateways.sign_in_attempts import Attempts
from models.audit import AuditEntry
from models.evidence_packs import EvidencePack
from models.guardians import Guardian
from models.letters import LetterArtifact
from models.pointers import Pointer
from models.privacy import Disclosure
from models.students import Student
from services import pointer_visits, pointers
from services.pointer_visits import Knock
from tests.api.browser import HOME
from tests.api.district import NOW, District
from tests.api.offices import LETTER, Office, a_copy, family, words
from tests.api.papers import stored
from tests.api.viewed import recorded, viewed
from tests.servers.kinds import MailServer, Store

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("pointers")]
TELLING = re.compile(r"Grace|Green|Henry|Canary|Sam\b|example\.org", re.IGNORECASE)
PHONE = "+44 20 5550 0100"


@pytest.fixture
def office(district: District, s3: Store, smtp: MailServer) -> Iterator[Office]:
    with stored(district, s3) as means:
        made = Office(district, smtp, replace(means, mailer=SmtpMailer(SmtpAddress(smtp.host, smtp.port))))
        district.app.state.parts = replace(
            district.app.state.parts,
            means=made.means,
            clock=lambda: made.now,
            console=Console(HOME, Attempts([b"k" * 32]), RateLimits()),
        )
        district.run(family(made))
        yield made


def test_a_link_leads_to_its_one_thing_after_a_code(office: Office) -> None:
    path, browser = office.path(), office.browser()
    shown = browser.get(path)
    assert shown.status_code == 200
    assert "the e-mail address that the school has for you" in shown.text
    assert not TELLING.search(shown.text.replace(path, ""))
    assert "<title>A message</title>" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert office.mail.messages() == [], "mail programs follow links by themselves: a look sends nothing"
    code = office.code(browser, path)
    assert "send_pointer_code" in sent_codes(office)
    (mail,) = office.mail.messages()
    assert list(mail.recipients) == [f"grace-{_source(office)}@example.org"]
    assert mail.message["Subject"] == "Oak School: a message about school for you"
    assert not TELLING.search(words(mail))
    wrong = browser.post(f"{path}/open", data={"code": "x"})
    assert wrong.status_code == 403
    assert "Tries left: 4 of 5" in wrong.text
    assert browser.get(f"{path}/item").headers["Location"] == path
    opened = browser.post(f"{path}/open", data={"code": code})
    assert "HttpOnly; Path=/; SameSite=lax; Secure" in opened.headers["set-cookie"]
    item = browser.get(f"{path}/item")
    assert "Your letter" in item.text
    assert not TELLING.search(item.text.replace(path, ""))
    answer = browser.get(f"{path}/document")
    assert (answer.status_code, answer.content) == (200, LETTER)
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == ("application/pdf", "no-store")
    assert b"Canarytwo" not in answer.content
    assert told(office, answer) == [("GUARDIAN", "letter", office.letter, office.grace, office.sam)]
    assert [entry.verb for entry in recorded(office.district, answer.headers["X-Request-Id"])] == ["read_artifact"]
    (entry,) = recorded(office.district, opened.headers["X-Request-Id"])
    assert (entry.verb, entry.actor_role, entry.actor_id, entry.student_id) == (
        "open_pointer",
        "guardian",
        None,
        office.sam,
    )
    left = browser.post(f"{path}/leave")
    assert left.status_code == 200
    assert [entry.verb for entry in recorded(office.district, left.headers["X-Request-Id"])] == ["leave_pointer"]
    assert browser.get(f"{path}/document").headers["Location"] == path


def sent_codes(office: Office) -> list[str]:
    """What the trail says was done with this student's links."""

    async def read() -> list[str]:
        async with office.district.sessions.tenant(office.district.ours.id) as session:
            mine = select(AuditEntry.verb).where(
                AuditEntry.student_id == office.sam, AuditEntry.subject_kind == "pointer"
            )
            return list(await session.scalars(mine.order_by(AuditEntry.seq)))

    return office.district.run(read())


def _source(office: Office) -> str:
    async def read() -> str:
        async with office.district.sessions.tenant(office.district.ours.id) as session:
            return (await session.get_one(Student, office.sam)).source_id

    return office.district.run(read())


def told(office: Office, answer: httpx.Response) -> list[tuple[Any, ...]]:
    """What the disclosure log says of one request."""

    async def read() -> list[tuple[Any, ...]]:
        async with office.district.sessions.tenant(office.district.ours.id) as session:
            mine = select(Disclosure).where(Disclosure.request_id == answer.headers["X-Request-Id"])
            rows = (await session.scalars(mine)).all()
            return [(row.party, row.what, row.what_id, row.guardian_id, row.student_id) for row in rows]

    return office.district.run(read())


def test_whatever_opens_nothing_gives_one_answer(office: Office) -> None:
    browser, path = office.browser(), office.path()
    nothing = office.only(browser, f"/g/{pointers.new_token(office.district.ours.id)}")
    assert nothing[0] == 404
    assert "This link opens nothing, or no longer does." in nothing[1]
    for guess in ("x", "%2e%2e", path.removeprefix("/g/")[:-1], path.removeprefix("/g/") + "A"):
        assert office.only(browser, f"/g/{guess}") == nothing, guess
    theirs = pointers.new_token(office.district.theirs.id)[:21] + path.removeprefix("/g/")[21:]
    assert office.only(browser, f"/g/{theirs}") == nothing, "the secret of one tenant finds nothing at another"
    closings: list[dict[str, Any]] = [
        {"order_kind": "no contact", "order_from": NOW.date()},
        {"order_kind": "no contact"},
        {"may_use_portal": False},
        {"may_use_portal": None},
        {"valid_to": NOW.date() - timedelta(days=1)},
    ]
    as_it_was = {"order_kind": None, "order_from": None, "may_use_portal": True, "valid_to": None}
    for closing in closings:
        office.link(**closing)
        assert office.only(browser, path) == nothing, closing
        office.link(**as_it_was)
        assert browser.get(path).status_code == 200, "and opens again"
    office.change(update(LetterArtifact).where(LetterArtifact.id == office.letter).values(rescinded_at=NOW))
    assert office.only(browser, path) == nothing
    office.change(update(LetterArtifact).where(LetterArtifact.id == office.letter).values(rescinded_at=None))
    office.now = NOW + timedelta(days=7)
    assert office.only(browser, path) == nothing, "after its days"


def test_an_order_that_has_ended_closes_nothing_and_one_that_begins_closes_at_once(office: Office) -> None:
    browser, path = office.browser(), office.path()
    yesterday = NOW.date() - timedelta(days=1)
    office.link(order_kind="no contact", order_from=yesterday - timedelta(days=30), order_to=yesterday)
    office.opened(browser, path)
    assert browser.get(f"{path}/document").content == LETTER
    office.link(order_to=NOW.date() + timedelta(days=1))
    for page in ("item", "document"):
        assert browser.get(f"{path}/{page}").status_code == 404, "whoever is looking is out at the next click"
    assert browser.post(f"{path}/code", data={"channel": "EMAIL"}).status_code == 404


def test_staff_list_and_take_back(office: Office) -> None:
    made = office.made()
    address, link_id = made.json()["address"], made.json()["link_id"]
    assert viewed(office.district, made) == {office.sam}
    (entry,) = recorded(office.district, made.headers["X-Request-Id"])
    assert (entry.verb, entry.student_id) == ("make_pointer", office.sam)
    browser, path = office.browser(), address.removeprefix(HOME)
    office.opened(browser, path)
    listed = office.district.get(f"/guardians/{office.grace}/links", "attendance_officer")
    (one,) = listed.json()["items"]
    assert (one["link_id"], one["state"], one["opened_at"]) == (link_id, "OPEN", "2026-11-20T09:30:00Z")
    assert "address" not in one
    assert viewed(office.district, listed) == {office.sam}
    where = f"/guardians/{office.grace}/links/{link_id}"
    why = {"reason": "Given to the wrong person."}
    assert office.district.call("DELETE", where, "attendance_officer").status_code == 422
    taken = office.district.call("DELETE", where, "attendance_officer", params=why)
    assert taken.json()["state"] == "WITHDRAWN"
    (entry,) = recorded(office.district, taken.headers["X-Request-Id"])
    assert (entry.verb, entry.reason) == ("end_pointer", why["reason"])
    assert browser.get(f"{path}/document").status_code == 404
    assert office.district.call("DELETE", where, "attendance_officer", params=why).status_code == 409
    other = f"/guardians/{office.henry}/links/{link_id}"
    assert office.district.call("DELETE", other, "attendance_officer", params=why).status_code == 404


def test_no_link_is_made_to_what_is_anothers_or_may_not_be_opened(office: Office) -> None:
    assert office.made(thing_id=str(office.his)).json()["code"] == "thing_not_found"
    assert office.made(thing_id=str(uuid4())).json()["code"] == "thing_not_found"
    assert office.made(days=15).status_code == 422
    assert office.made("attendance_officer-elm").status_code == 403
    office.link(order_kind="no contact")
    assert office.made().json()["code"] == "not_entitled"


def test_the_address_is_shown_once_and_kept_nowhere(office: Office) -> None:
    body = {"kind": "LETTER", "thing_id": str(office.letter)}
    key = {"Idempotency-Key": str(uuid4())}
    first = office.district.post(f"/guardians/{office.grace}/links", json=body, headers=key).json()
    again = office.district.post(f"/guardians/{office.grace}/links", json=body, headers=key).json()
    assert (again["link_id"], again["address"]) == (first["link_id"], None)
    token = first["address"].rsplit("/", 1)[1]
    browser = office.browser()
    code = office.code(browser, f"/g/{token}")
    value = browser.post(f"/g/{token}/open", data={"code": code}) and browser.jar.get(COOKIE)
    assert value

    async def rows() -> str:
        async with office.district.sessions.tenant(office.district.ours.id) as session:
            tables = ("pointer", "pointer_visit", "idempotency_key", "audit_entry", "outbox")
            found = [(await session.execute(text(f"select t::text from {name} t"))).scalars() for name in tables]
            return "\n".join(row for part in found for row in part)

    kept = office.district.run(rows())
    assert first["link_id"] in kept, "the control: the search reads the rows"
    assert not [secret for secret in (token, value) if secret in kept]
    assert not re.search(rf"\b{code}\b", kept)


def test_five_wrong_codes_end_the_link(office: Office) -> None:
    browser, path = office.browser(), office.path()
    code = office.code(browser, path)
    guesses = [f"{(int(code) + more) % 10**6:06d}" for more in range(1, 6)]
    answers = [browser.post(f"{path}/open", data={"code": guess}) for guess in guesses]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert "Tries left: 0 of 5" in answers[-1].text
    assert PHONE in answers[-1].text
    (entry,) = recorded(office.district, answers[-1].headers["X-Request-Id"])
    assert (entry.verb, entry.reason) == ("end_pointer", "five wrong codes")
    assert browser.post(f"{path}/open", data={"code": code}).status_code == 404
    assert browser.post(f"{path}/code", data={"channel": "EMAIL"}).status_code == 404


def test_a_code_is_good_once_for_ten_minutes_and_the_last_one_counts(office: Office) -> None:
    browser, path = office.browser(), office.path()
    first, second = office.code(browser, path), ""
    office.now += timedelta(seconds=1)
    second = office.code(browser, path)
    if first != second:
        assert browser.post(f"{path}/open", data={"code": first}).status_code == 403
    office.now += timedelta(minutes=10)
    assert browser.post(f"{path}/open", data={"code": second}).status_code == 403, "ten minutes are over"
    third = office.code(browser, path)
    assert browser.post(f"{path}/open", data={"code": third}).status_code == 303
    assert office.browser().post(f"{path}/open", data={"code": third}).status_code == 403, "it was used"


def test_nobody_fills_an_inbox_with_codes(office: Office) -> None:
    browser, path = office.browser(), office.path()
    for _ in range(5):
        office.code(browser, path)
    refused = browser.post(f"{path}/code", data={"channel": "EMAIL"})
    assert refused.status_code == 409
    assert "No more codes are sent for this link today" in refused.text
    assert len(office.mail.messages()) == 5
    office.now += timedelta(days=1)
    office.code(browser, path)


def test_a_visit_ends_after_twenty_minutes_and_opens_nothing_else(office: Office) -> None:
    browser, path, other = office.browser(), office.path(), office.path()
    office.opened(browser, path)
    assert browser.get(f"{other}/document").headers["Location"] == other, "that item only"
    assert office.browser().get(f"{path}/document").status_code == 303, "this browser only"
    for _ in range(2):
        office.now += timedelta(minutes=19)
        assert browser.get(f"{path}/document").status_code == 200
    office.now += timedelta(minutes=20)
    assert browser.get(f"{path}/document").headers["Location"] == path


def test_a_contact_stop_ends_every_link(office: Office) -> None:
    browser, path, his = office.browser(), office.path(), {"kind": "LETTER", "thing_id": str(office.his)}
    henrys = office.district.post(f"/guardians/{office.henry}/links", json=his).json()["address"].removeprefix(HOME)
    office.opened(browser, path)
    stop = {"subject_kind": "GUARDIAN", "subject_id": str(office.grace), "reason_code": "WRONG_PERSON"}
    answer = office.district.post("/contact-stops", json=stop)
    assert answer.status_code == 201, answer.text
    assert browser.get(f"{path}/document").status_code == 404
    assert office.browser().get(henrys).status_code == 200, "hers, not his"
    verbs = [(entry.verb, entry.reason) for entry in recorded(office.district, answer.headers["X-Request-Id"])]
    assert ("end_pointer", "contact stop") in verbs
    lifted = office.district.call("DELETE", f"/contact-stops/{answer.json()['id']}", params={"reason": "Settled."})
    assert lifted.status_code == 200, lifted.text
    assert browser.get(path).status_code == 404, "lifting it brings no link back"
    about = {"subject_kind": "STUDENT", "subject_id": str(office.sam), "reason_code": "SAFEGUARDING"}
    assert office.district.post("/contact-stops", json=about).status_code == 201
    assert office.browser().get(henrys).status_code == 404


def test_a_code_goes_to_no_address_that_another_reads(office: Office) -> None:
    browser, path = office.browser(), office.path()
    offered: list[dict[str, Any]] = [
        {"email": None},
        {"unreachable": True},
        {"opted_out_channels": ["EMAIL"]},
        {"email": f"HENRY-{_source(office)}@example.org"},
    ]
    as_it_was = {"email": "grace.other@example.org", "unreachable": False, "opted_out_channels": []}
    for values in offered:
        office.change(update(Guardian).where(Guardian.id == office.grace).values(**as_it_was | values))
        shown = browser.get(path)
        assert "Send a code" not in shown.text, values
        assert PHONE in shown.text
        assert browser.post(f"{path}/code", data={"channel": "EMAIL"}).status_code == 409
    office.change(update(Guardian).where(Guardian.id == office.grace).values(**as_it_was))
    office.link(contact_via="social worker")
    assert "Send a code" not in browser.get(path).text
    office.link(contact_via="self")
    assert "Send a code" in browser.get(path).text
    assert office.mail.messages() == []


def test_the_sending_switch_holds_codes_too(office: Office) -> None:
    browser, path = office.browser(), office.path()
    off = {"enabled": False, "school_id": str(office.district.ours.schools["oak"]), "reason": "A wrong letter is out."}
    assert office.district.put("/sending", json=off).status_code == 200
    refused = browser.post(f"{path}/code", data={"channel": "EMAIL"})
    assert refused.status_code == 503
    assert "Please ring the school" in refused.text
    assert office.mail.messages() == []
    assert office.district.put("/sending", json=off | {"enabled": True}).status_code == 200
    office.code(browser, path)


def test_whoever_tries_links_is_shut_out_for_a_while(office: Office) -> None:
    browser, path = office.browser(), office.path()
    tried = [browser.get(f"/g/{pointers.new_token(office.district.ours.id)}").status_code for _ in range(20)]
    assert tried == [404] * 20
    shut = browser.get(path)
    assert shut.status_code == 429
    assert int(shut.headers["Retry-After"]) > 0
    assert office.browser().get(path).status_code == 200, "others go on"
    busy = office.browser()
    assert [busy.get(path).status_code for _ in range(61)] == [200] * 60 + [429]


def test_another_site_cannot_ask_in_a_browsers_name(office: Office) -> None:
    browser, path = office.browser(), office.path()
    foreign = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert browser.post(f"{path}/code", data={"channel": "EMAIL"}, headers=foreign).status_code == 403
    assert office.mail.messages() == []


def test_a_released_copy_of_the_record_is_led_to_until_it_is_recalled(office: Office) -> None:
    pack_id = office.district.run(a_copy(office))
    browser, path = office.browser(), office.path(kind="FAMILY_COPY", thing_id=str(pack_id))
    office.opened(browser, path)
    assert "Your copy of the record" in browser.get(f"{path}/item").text
    answer = browser.get(f"{path}/document")
    assert answer.content == LETTER
    assert told(office, answer) == [("GUARDIAN", "evidence_pack", pack_id, office.grace, office.sam)]
    office.change(update(EvidencePack).where(EvidencePack.id == pack_id).values(status="RECALLED"))
    assert browser.get(f"{path}/document").status_code == 404
    assert office.made(kind="FAMILY_COPY", thing_id=str(pack_id)).status_code == 404


def test_wrong_guesses_at_once_are_all_counted(office: Office) -> None:
    path = office.path()
    office.code(office.browser(), path)

    async def guessed() -> int:
        sessions, token = office.district.sessions, path.removeprefix("/g/")
        await asyncio.gather(*[pointer_visits.prove(sessions, Knock(token, str(uuid4()), NOW), "no") for _ in range(4)])
        async with sessions.tenant(office.district.ours.id) as session:
            return (await session.scalars(select(Pointer.tries).where(Pointer.guardian_id == office.grace))).one()

    assert office.district.run(guessed()) == 4
