"""Guardians of each household and what each may receive: together, apart, confidential, unreachable, by post only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deploy.local.demo.chance import Chance
from deploy.local.demo.names import ENGLISH, KINDS_OF_STREET, STREETS, TOWN, Origin
from deploy.local.demo.people import Student


class Shape(StrEnum):
    """How a household lives."""

    TOGETHER = "together"
    ONE_PARENT = "one parent"
    SEPARATED = "separated"
    CONFIDENTIAL = "separated, the child's address confidential"
    STEP_PARENT = "a step-parent without parental responsibility"
    GRANDPARENT = "grandparent"
    LOOKED_AFTER = "looked after: carer and social worker"
    NO_EMAIL = "no e-mail address"
    SHARED_EMAIL = "one e-mail address for both"
    UNREACHABLE = "nobody can be reached"


SHAPES: tuple[tuple[Shape, float], ...] = (
    (Shape.TOGETHER, 55),
    (Shape.ONE_PARENT, 17),
    (Shape.SEPARATED, 11),
    (Shape.CONFIDENTIAL, 1.5),
    (Shape.STEP_PARENT, 4),
    (Shape.GRANDPARENT, 1.5),
    (Shape.LOOKED_AFTER, 0.8),
    (Shape.NO_EMAIL, 5),
    (Shape.SHARED_EMAIL, 3.5),
    (Shape.UNREACHABLE, 0.7),
)


@dataclass(frozen=True)
class Guardian:
    guardian_id: str
    name: str
    language: str
    preferred_channel: str
    email: str
    phone: str
    address: str
    opted_out_channels: str = ""
    unreachable: bool = False


@dataclass(frozen=True)
class Link:
    """One row of student_guardians; the last two columns are ours (safeguards.md section 2)."""

    student_id: str
    guardian_id: str
    relation: str
    priority: int
    legal_responsibility: bool
    lives_with: bool
    receives_letters: bool
    address_confidential: bool = False
    contact_via: str = "self"


@dataclass(frozen=True)
class Part:
    """A guardian's place in a shape: who they are to the child and what they may have."""

    relation: str
    legal: bool = True
    lives: bool = True
    letters: bool = True
    confidential: bool = False
    via: str = "self"


MOTHER, FATHER = Part("mother"), Part("father")
PARTS: dict[Shape, tuple[Part, ...]] = {
    Shape.TOGETHER: (MOTHER, FATHER),
    Shape.ONE_PARENT: (MOTHER,),
    Shape.SEPARATED: (MOTHER, Part("father", lives=False)),
    Shape.CONFIDENTIAL: (Part("mother", confidential=True), Part("father", lives=False)),
    Shape.STEP_PARENT: (
        MOTHER,
        Part("step-parent", legal=False, letters=False),
        Part("father", legal=False, lives=False, letters=False),
    ),
    Shape.GRANDPARENT: (Part("grandparent"), Part("mother", lives=False)),
    Shape.LOOKED_AFTER: (
        Part("foster carer", legal=False),
        Part("social worker", lives=False),
        Part("mother", lives=False, letters=False, via="social worker"),
    ),
    Shape.NO_EMAIL: (MOTHER, FATHER),
    Shape.SHARED_EMAIL: (MOTHER, FATHER),
    Shape.UNREACHABLE: (MOTHER,),
}


@dataclass(frozen=True)
class Families:
    guardians: tuple[Guardian, ...]
    links: tuple[Link, ...]
    shapes: Mapping[int, Shape]


def make_families(chance: Chance, students: Sequence[Student], wanted: Mapping[int, Shape]) -> Families:
    """Guardians per household; `wanted` fixes the shape of the households that tell a story."""
    households: dict[int, list[Student]] = {}
    for student in students:
        households.setdefault(student.household, []).append(student)
    guardians: list[Guardian] = []
    links: list[Link] = []
    shapes: dict[int, Shape] = {}
    for household, children in households.items():
        drawn = chance.weighted(SHAPES)
        shape = shapes[household] = wanted.get(household, drawn)
        adults = _adults(chance, children[0], shape, len(guardians))
        guardians += adults
        for child in children:
            for priority, (part, adult) in enumerate(zip(PARTS[shape], adults, strict=True), start=1):
                links.append(_link(child, adult, part, priority))
    return Families(tuple(guardians), tuple(links), shapes)


def _link(child: Student, adult: Guardian, part: Part, priority: int) -> Link:
    return Link(
        child.student_id,
        adult.guardian_id,
        part.relation,
        priority,
        part.legal,
        part.lives,
        part.letters,
        part.confidential,
        part.via,
    )


def _adults(chance: Chance, child: Student, shape: Shape, number: int) -> list[Guardian]:
    home = _address(chance)
    adults: list[Guardian] = []
    for offset, part in enumerate(PARTS[shape]):
        outsider = part.relation in {"foster carer", "social worker"}
        origin = ENGLISH if outsider else child.origin
        address = home if part.lives else _address(chance)
        if part.relation == "social worker":
            address = f"Children's Services, 1 Town Hall Square, {TOWN}, HB1 1AA"
        guardian_id = f"G{number + offset + 10_001}"
        has_email = shape not in {Shape.NO_EMAIL, Shape.UNREACHABLE}
        email = f"family.{guardian_id.lower()}@example.org" if has_email else ""
        if shape is Shape.SHARED_EMAIL and adults:
            email = adults[0].email
        adults.append(
            Guardian(
                guardian_id,
                _name(chance, origin, child, part.relation),
                "en" if outsider else child.language,
                chance.weighted((("email", 0.6), ("sms", 0.3), ("letter", 0.1))) if email else "letter",
                email,
                "" if shape is Shape.UNREACHABLE else f"+447700900{(number + offset) % 1000:03d}",
                "" if shape is Shape.UNREACHABLE else address,
                "sms" if chance.happens(0.03) else "",
                shape is Shape.UNREACHABLE,
            )
        )
    return adults


def _name(chance: Chance, origin: Origin, child: Student, relation: str) -> str:
    woman = relation in {"mother", "foster carer", "social worker", "grandparent"}
    first = chance.choice(origin.girls if woman else origin.boys).replace("_", " ")
    if origin is not child.origin or relation == "step-parent":
        return f"{first} {chance.choice(origin.surnames)[woman]}"
    pair = next(pair for pair in origin.surnames if child.last_name in pair)
    return f"{first} {pair[woman]}"


def _address(chance: Chance) -> str:
    street = f"{chance.choice(STREETS)} {chance.choice(KINDS_OF_STREET)}"
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    postcode = f"HB{chance.randint(1, 9)} {chance.randint(1, 9)}{chance.choice(letters)}{chance.choice(letters)}"
    return f"{chance.randint(1, 140)} {street}, {TOWN}, {postcode}"
