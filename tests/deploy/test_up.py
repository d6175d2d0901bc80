"""`handrail up`: what it brings up, how it is shown, what it keeps closed, and that it looks after its parts."""

import json
import smtplib
import stat
import sys
import urllib.error
import urllib.request
from email.message import EmailMessage

import psutil
import psycopg
import pytest

from tests.deploy.stacks import RunningStack, alive, handrail, until

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("stack")]


def test_every_part_answers_when_up_says_ready(stack: RunningStack) -> None:
    ready = json.loads(stack.get("/readyz"))
    assert ready == {"ready": True, "parts": {"database": "ok", "storage": "ok", "temporal": "ok"}}


def test_the_start_page_links_to_what_is_open_next(stack: RunningStack) -> None:
    page, told = stack.get("/"), stack.settings()
    assert told["HANDRAIL_TEMPORAL_UI_URL"] in page
    assert told["HANDRAIL_MAIL_URL"] in page
    assert "/docs" in page


def test_a_second_up_attaches_and_starts_nothing(stack: RunningStack) -> None:
    before = stack.pids()
    second = handrail(stack.folder, "up")
    assert (second.returncode, stack.pids()) == (0, before)
    assert "Already running" in second.stdout
    assert stack.state()["api"] in second.stdout


def test_status_names_every_part(stack: RunningStack) -> None:
    told = handrail(stack.folder, "status")
    assert told.returncode == 0
    for part in ("PostgreSQL", "Temporal", "S3 store", "Mail catcher", "Worker", "API"):
        assert part in told.stdout


def test_the_database_is_migrated_and_the_application_owns_nothing(stack: RunningStack) -> None:
    url = stack.settings()["HANDRAIL_DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        owned = connection.execute("select count(*) from pg_class where pg_get_userbyid(relowner) = current_user")
        assert owned.fetchone() == (0,)
        tables = connection.execute("select count(*) from pg_tables where tableowner = 'handrail_owner'").fetchone()
    assert tables is not None
    assert tables[0] > 10


def test_only_migrations_know_the_owner_of_the_schema(stack: RunningStack) -> None:
    assert "HANDRAIL_DATABASE_OWNER_URL" not in stack.settings()
    owner = json.loads((stack.folder / "secrets.json").read_text())["postgres_owner"]
    for name in ("worker", "api"):
        assert owner not in "".join(psutil.Process(stack.pids()[name]).environ().values())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each part imports for itself")
def test_our_own_parts_share_the_memory_of_what_they_import(stack: RunningStack) -> None:
    assert stack.process is not None
    for name in ("worker", "api", "codec", "mail"):
        part = psutil.Process(stack.pids()[name])
        used = part.memory_full_info()
        assert part.ppid() == stack.process.pid
        assert used.pss < used.rss * 3 / 4


def test_everything_listens_on_loopback_only(stack: RunningStack) -> None:
    listening = {
        connection.laddr.ip
        for pid in stack.pids().values()
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_secrets_are_closed_to_other_users_and_never_on_a_command_line(stack: RunningStack) -> None:
    for name in ("secrets.json", "stack.env", "state.json", "ports.json"):
        assert stat.S_IMODE((stack.folder / name).stat().st_mode) == 0o600
    for name in ("log", "mail", "s3", "temporal"):
        assert stat.S_IMODE((stack.folder / name).stat().st_mode) == 0o700
    hidden = json.loads((stack.folder / "secrets.json").read_text()).values()
    lines = " ".join(" ".join(psutil.Process(pid).cmdline()) for pid in stack.pids().values())
    # The codec's path is the UI's own flag: there is no other way to give it.
    assert [value for value in hidden if value in lines and not value.startswith("/")] == []


def test_caught_mail_is_shown_with_its_attachment_and_delivered_to_nobody(stack: RunningStack) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "school@example.org", "family@example.org", "About <school>"
    mail.set_content("Please ring us.")
    mail.add_alternative("<p>Please <b>ring</b> us.</p><script>alert(1)</script>", subtype="html")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="letter.pdf")
    told = stack.settings()
    with smtplib.SMTP(told["HANDRAIL_SMTP_HOST"], int(told["HANDRAIL_SMTP_PORT"])) as connection:
        connection.send_message(mail)
    (caught,) = json.loads(stack.get("/messages", "mail"))
    assert (caught["subject"], caught["envelope_to"]) == ("About <school>", "family@example.org")
    assert "About &lt;school&gt;" in stack.get("/", "mail")
    assert "Please ring us." in stack.get(f"/messages/{caught['id']}", "mail")
    assert stack.get(f"/messages/{caught['id']}/attachments/0", "mail") == "%PDF-1.7"
    where = stack.state()["parts"]["mail"]["where"]
    with urllib.request.urlopen(f"{where}/messages/{caught['id']}/html", timeout=10) as page:
        assert "sandbox" in page.headers["Content-Security-Policy"]
    with pytest.raises(urllib.error.HTTPError, match="404") as refusal:
        stack.get("/messages/..%2f..%2fsecrets", "mail")
    refusal.value.close()


def test_a_foreign_name_that_resolves_to_loopback_reads_no_mail(stack: RunningStack) -> None:
    where = stack.state()["parts"]["mail"]["where"]
    rebound = urllib.request.Request(f"{where}/messages", headers={"Host": "evil.example:80"})
    with pytest.raises(urllib.error.HTTPError, match="404") as refusal:
        urllib.request.urlopen(rebound, timeout=10)
    refusal.value.close()


def test_the_temporal_ui_is_given_the_codec_endpoint(stack: RunningStack) -> None:
    endpoint = json.loads(stack.get("/api/v1/settings", "temporal"))["Codec"]["Endpoint"]
    assert endpoint.endswith(json.loads((stack.folder / "secrets.json").read_text())["codec_path"])
    asked = urllib.request.Request(f"{endpoint}/decode", data=b'{"payloads": []}', method="POST")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert json.loads(answer.read()) == {}


@pytest.mark.parametrize("part", ["worker", "api", "mail", "s3", "temporal", "postgres"])
def test_a_part_that_dies_is_started_again_and_everything_answers(stack: RunningStack, part: str) -> None:
    before = stack.pids()[part]
    psutil.Process(before).kill()
    until(lambda: stack.pids()[part] != before and alive(stack.pids()[part]), f"{part} runs again")
    until(stack.ready, "all parts answer")
    assert "ended by itself (code -9)" in stack.output
