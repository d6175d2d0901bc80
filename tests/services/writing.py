"""The steps of a case's letter as its tests take them: planned, issued, delivered, read."""

from io import BytesIO
from uuid import UUID

from pypdf import PdfReader

from services import artifacts, delivery, letters
from services.context import CaseRef
from services.letter_merge import Writing
from services.letters import Issued, Planned, Wish
from services.mailing import Outcome
from services.means import Means
from tests.services.seeding import BASIS, LETTER_1, NOW, Family, World

WISH = Wish("LETTER_1_ATTENDANCE", LETTER_1.key, channels=LETTER_1.channels)


async def plan(means: Means, case: CaseRef, wish: Wish = WISH) -> list[Planned]:
    async with means.sessions.tenant(case.tenant_id) as session:
        return await letters.plan(session, case, wish)


async def issued(means: Means, family: Family, one: Planned, key: str = "w/2") -> Issued:
    writing = Writing(one.guardian_id, one.language, BASIS)
    return await letters.issue(means, family.case(f"{key}/{one.guardian_id}"), one.message_id, writing)


async def sent(means: Means, family: Family, artifact_id: UUID, key: str = "w/3") -> Outcome:
    return await delivery.deliver(means, family.case(f"{key}/{artifact_id}"), artifact_id)


async def whole(means: Means, family: Family) -> list[tuple[Issued, Outcome]]:
    done = []
    for one in await plan(means, family.case("w/1")):
        letter = await issued(means, family, one)
        done.append((letter, await sent(means, family, letter.artifact_id)))
    return done


def words(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def pdf_of(world: World, family: Family, artifact_id: UUID) -> bytes:
    return world.run(artifacts.content(world.means, family.case().actor, artifact_id, now=NOW))
