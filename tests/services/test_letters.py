"""Letters of a case: each entitled guardian's own, stored once, sent once, and nobody learns of anybody else."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from gateways.ports import StoredObject
from models.delivery import Message
from models.guardians import Guardian
from models.letters import LetterArtifact, StudentKey
from models.people import School
from models.students import Student
from rules.errors import Conflict, Forbidden, Invalid
from rules.ladder.commands import DeliveryState
from services import artifacts, letters
from services.context import Actor
from services.letter_merge import Writing, gather
from services.letters import GenerateLetter, Wish
from services.mailing import Outcome
from services.means import Means
from services.student_keys import data_key
from tests.servers.kinds import MailServer
from tests.services.seeding import BASIS, NOW, TODAY, World, grace, henry
from tests.services.writing import issued, pdf_of, plan, whole, words

pytestmark = pytest.mark.servers


def test_a_letter_is_planned_stored_and_mailed_and_the_same_keys_again_change_nothing(
    world: World, smtp: MailServer
) -> None:
    family = world.family(grace())
    first, again = world.run(whole(world.means, family)), world.run(whole(world.means, family))
    assert first == again
    letter, outcome = first[0]
    assert outcome == Outcome(DeliveryState.SENT, TODAY)
    assert len(smtp.messages()) == 1
    assert len(world.rows(family, LetterArtifact)) == len(world.rows(family, Message)) == 1
    artifact = world.rows(family, LetterArtifact)[0]
    assert artifact.storage_path == f"{family.tenant_id}/letters/2026/{letter.artifact_id}"
    assert artifact.sha256 != artifact.stored_sha256
    assert artifact.merge_data["absence_dates"] == ["2026-11-09", "2026-11-11", "2026-11-16"]
    mail = smtp.messages()[0]
    assert mail.recipients == ("grace.canaryone@example.org",)
    (attached,) = list(mail.message.iter_attachments())
    assert attached.get_content() == pdf_of(world, family, letter.artifact_id)
    said = words(pdf_of(world, family, letter.artifact_id))
    assert "Sam" in said
    assert "3 days" in said.replace("\u00a0", " ")
    assert "17 Harbour Lane" in said


def test_subject_and_sender_of_a_mail_say_nothing_of_child_or_absence(world: World, smtp: MailServer) -> None:
    world.run(whole(world.means, world.family(grace())))
    message = smtp.messages()[0].message
    lines = f"{message['Subject']} {message['From']}"
    assert "Oak School" in lines
    assert not [word for word in ("Sam", "Surname", "absence", "attendance officer", "11") if word in lines]


def test_one_guardian_never_learns_of_the_other(world: World, smtp: MailServer) -> None:
    family = world.family(grace(address_confidential=True), henry())
    done = world.run(whole(world.means, family))
    assert len(done) == len(smtp.messages()) == 2
    for (letter, _), mail in zip(done, smtp.messages(), strict=True):
        own = "canaryone" if "canaryone" in mail.recipients[0] else "canarytwo"
        other = ("Canarytwo", "Hidden", "Henry") if own == "canaryone" else ("Canaryone", "Harbour", "Grace")
        said = words(pdf_of(world, family, letter.artifact_id)) + mail.content.decode("latin-1")
        attached = b"".join(part.get_content() for part in mail.message.iter_attachments())
        (row,) = world.rows(family, LetterArtifact, LetterArtifact.id == letter.artifact_id)
        said += words(attached) + str(row.merge_data)
        assert not [word for word in other if word.lower() in said.lower()]
        assert own in said.lower()


def test_nobody_entitled_is_an_empty_plan_and_an_unknown_guardian_is_a_task(world: World, smtp: MailServer) -> None:
    family = world.family(grace(may_receive_letters=None), henry(may_receive_letters=False))
    assert world.run(whole(world.means, family)) == []
    assert world.task_kinds(family) == ["entitlement_unknown"]
    assert smtp.messages() == []


@pytest.mark.parametrize(
    ("metric", "value", "first", "days"),
    [
        ("absent_half_days/calendar:5/all", 2, "2026-11-15", ["2026-11-16"]),
        ("absent_half_days/school:8/all", 4, "2026-11-10", ["2026-11-11", "2026-11-16"]),
        ("consecutive_days/unauthorised", 1, "2026-11-16", ["2026-11-16"]),
        ("attended_sessions/ytd", 100, "2026-08-01", ["2026-11-09", "2026-11-11", "2026-11-16"]),
        ("unauthorised_sessions/weeks:1/codes=O", 2, "2026-11-16", ["2026-11-16"]),
    ],
)
def test_a_letter_lists_the_days_of_the_window_that_its_basis_counted(
    world: World, metric: str, value: int, first: str, days: list[str]
) -> None:
    family = world.family(grace())
    basis = BASIS.but(values={metric: value})

    async def gathered() -> dict[str, object]:
        async with world.sessions.tenant(family.tenant_id) as session:
            return await gather(session, family.case(), Writing(family.guardians["grace"], "en", basis))

    data = world.run(gathered())
    assert (data["period_start"], data["absence_dates"]) == (first, days)


class Crashing:
    """A store that keeps the object, and then our process dies."""

    def __init__(self, real: Means) -> None:
        self._real = real

    async def put_once(self, *given: object, **named: object) -> StoredObject:
        await self._real.store.put_once(*given, **named)  # type: ignore[arg-type]  # handed through
        raise ConnectionResetError


def test_a_crash_between_storing_and_recording_finds_its_own_object_again(world: World) -> None:
    family = world.family(grace())
    (one,) = world.run(plan(world.means, family.case("w/1")))
    crashing: Means = replace(world.means, store=Crashing(world.means))  # type: ignore[arg-type]  # only put
    with pytest.raises(ConnectionResetError):
        world.run(issued(crashing, family, one))
    world.change(family, update(Student).values(first_name="Changed meanwhile"))
    letter = world.run(issued(world.means, family, one))
    assert "Changed" not in words(pdf_of(world, family, letter.artifact_id))
    assert len(world.rows(family, LetterArtifact)) == 1


def test_a_school_without_a_number_writes_no_letter_until_it_has_one(world: World) -> None:
    family = world.family(grace())
    (one,) = world.run(plan(world.means, family.case("w/1")))
    world.change(family, update(School).values(settings={"address": ["Oak"] * 30}))
    world.change(family, update(Guardian).values(address="a, b, c, d, e, f, g, h, i, j, k, l, m, n"))
    with pytest.raises(Invalid):
        world.run(issued(world.means, family, one))
    world.change(family, update(School).values(settings={"phone": "01 555 0100"}))
    world.change(family, update(Guardian).values(address="1 Short Street"))
    letter = world.run(issued(world.means, family, one))
    assert "Short Street" in words(pdf_of(world, family, letter.artifact_id))


def test_a_template_that_nobody_approved_is_refused_with_what_to_do(world: World) -> None:
    family = world.family(grace())
    with pytest.raises(Invalid, match="approve one"):
        world.run(plan(world.means, family.case("w/1"), Wish("NO_SUCH_TEMPLATE")))


def test_a_changed_object_or_record_is_found_out(world: World) -> None:
    family = world.family(grace())
    ((letter, _),) = world.run(whole(world.means, family))
    actor = family.case().actor
    found = world.run(artifacts.verification(world.means, actor, letter.artifact_id))
    assert (found.verified, found.sha256, found.problem) == (True, letter.sha256, "")
    world.change(family, update(LetterArtifact).values(sha256="0" * 64))
    assert not world.run(artifacts.verification(world.means, actor, letter.artifact_id)).verified
    with pytest.raises(Conflict, match="another SHA-256"):
        pdf_of(world, family, letter.artifact_id)
    world.change(family, update(LetterArtifact).values(stored_sha256="0" * 64))
    assert "stored object" in world.run(artifacts.verification(world.means, actor, letter.artifact_id)).problem


def test_destroying_the_students_key_erases_what_it_sealed(world: World) -> None:
    family = world.family(grace())
    ((letter, _),) = world.run(whole(world.means, family))
    world.change(family, update(StudentKey).values(wrapped_key=None, destroyed_at=NOW))
    with pytest.raises(Conflict, match="erased"):
        pdf_of(world, family, letter.artifact_id)


def test_racing_writers_share_one_data_key(world: World) -> None:
    family = world.family(grace())

    async def key() -> bytes:
        async with world.sessions.tenant(family.tenant_id) as session:
            return (await data_key(session, world.means.keyring, family.tenant_id, family.student_id)).plain

    async def race() -> set[bytes]:
        return set(await asyncio.gather(*[key() for _ in range(8)]))

    assert len(world.run(race())) == 1
    assert len(world.rows(family, StudentKey)) == 1


def test_a_letter_by_hand_is_stored_once_and_never_for_somebody_not_entitled(world: World, smtp: MailServer) -> None:
    family = world.family(grace(), henry(may_receive_letters=False))
    actor = Actor(family.tenant_id, None, "attendance_officer", "Olive", "r-1", "api")

    def command(name: str) -> GenerateLetter:
        return GenerateLetter(
            family.student_id, family.school_id, family.guardians[name], "EXIT_CELEBRATION", key=f"hand-{name}"
        )

    first = world.run(letters.generate(world.means, actor, command("grace"), now=NOW))
    again = world.run(letters.generate(world.means, actor, command("grace"), now=NOW))
    assert (first.id, first.instance_id) == (again.id, None)
    with pytest.raises(Forbidden):
        world.run(letters.generate(world.means, actor, command("henry"), now=NOW))
    assert smtp.messages() == []


def test_no_name_stands_in_a_path_or_reference(world: World) -> None:
    family = world.family(grace())
    world.run(whole(world.means, family))
    (row,) = world.rows(family, LetterArtifact)
    assert not [word for word in ("Sam", "Surname", "Grace") if word in row.storage_path + row.merge_data["reference"]]


def test_a_letter_below_ninety_per_cent_counts_the_year_and_not_a_window_that_did_not_fire(world: World) -> None:
    family = world.family(grace())
    values = {"absent_half_days/calendar:30/all": 0, "attended_sessions/ytd": 110, "possible_sessions/ytd": 116}
    basis = BASIS.but(values=values, holding=("attended_sessions/ytd", "possible_sessions/ytd"))
    one = world.run(plan(world.means, family.case("w/1")))[0]
    writing = Writing(one.guardian_id, one.language, basis)
    letter = world.run(letters.issue(world.means, family.case("w/9"), one.message_id, writing))
    actor = Actor(family.tenant_id, None, "system", "Handrail", "r", "workflow")
    said = words(world.run(artifacts.content(world.means, actor, letter.artifact_id, now=NOW, why="test")))
    assert "missed 3 days" in said
    assert "1 September 2026" in said or "1 August 2026" in said
