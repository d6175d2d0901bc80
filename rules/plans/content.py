"""What a support plan says, what it lacks until it is agreed, and what one guardian's copy shows."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class PlanState(StrEnum):
    """Where a plan stands."""

    DRAFT = "DRAFT"
    AGREED = "AGREED"
    ENDED = "ENDED"


class PlanParty(StrEnum):
    """Who says, does or signs something."""

    SCHOOL = "SCHOOL"
    GUARDIAN = "GUARDIAN"
    STUDENT = "STUDENT"


class Signing(StrEnum):
    """How somebody agreed; GOOD_FAITH: they were asked and did not answer, or could not, and the plan serves them."""

    SIGNED = "SIGNED"
    SAID_YES = "SAID_YES"
    GOOD_FAITH = "GOOD_FAITH"


class PlanReview(StrEnum):
    """What a review came to."""

    CONTINUE = "CONTINUE"
    END = "END"


class PlanPart(BaseModel):
    """One part of a plan, of one party; `guardian_id` only and always where that is a guardian."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: PlanParty
    guardian_id: UUID | None = None

    def shown_to(self, guardian_id: UUID) -> bool:
        """One guardian never learns of another (safeguards.md section 2)."""
        return self.party is not PlanParty.GUARDIAN or self.guardian_id == guardian_id


class Aim(PlanPart):
    """What somebody wants to come of it, in their own words."""

    words: Words


class PlanAction(PlanPart):
    """What somebody does, until when; `party` owns it, `person_id` is the member of staff."""

    what: Words
    person_id: UUID | None = None
    due_on: date
    done_on: date | None = None


class Signature(PlanPart):
    """How and when somebody agreed; `note` says what was tried where they did not sign."""

    how: Signing = Signing.SIGNED
    signed_on: date
    note: Annotated[str, Field(max_length=2000)] = ""


class PlanContent(BaseModel):
    """Everything that staff and family wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aims: tuple[Aim, ...] = ()
    actions: tuple[PlanAction, ...] = ()
    adjustments: tuple[Words, ...] = ()
    signatures: tuple[Signature, ...] = ()
    review_on: date | None = None

    def copy_for(self, guardian_id: UUID) -> "PlanContent":
        """What one guardian's copy shows: nothing said, done or signed by another."""
        kept = {
            "aims": tuple(one for one in self.aims if one.shown_to(guardian_id)),
            "actions": tuple(one for one in self.actions if one.shown_to(guardian_id)),
            "signatures": tuple(one for one in self.signatures if one.shown_to(guardian_id)),
        }
        return self.model_copy(update=kept)


FAMILY = frozenset({PlanParty.GUARDIAN, PlanParty.STUDENT})


def misnamed(content: PlanContent) -> dict[str, str]:
    """Parts of a guardian that do not say of which, or of others that name one; by their place."""
    lists = {"aims": content.aims, "actions": content.actions, "signatures": content.signatures}
    return {
        f"body.{name}[{at}].guardian_id": "which guardian, where the party is one; else nobody"
        for name, parts in lists.items()
        for at, part in enumerate(parts)
        if (part.party is PlanParty.GUARDIAN) is (part.guardian_id is None)
    }


def missing(content: PlanContent, on: date) -> dict[str, str]:
    """What keeps a plan from being agreed on a day, by its place."""
    signed = [one for one in content.signatures if one.signed_on <= on]
    asked = {
        "aims": any(aim.party in FAMILY for aim in content.aims) or "an aim in the family's own words",
        "actions": bool(content.actions) or "an action with its owner and date",
        "review_on": bool(content.review_on and content.review_on > on)
        or "a day after this one on which you look again",
        "signatures": _signed(signed)
        or "one of the school and one of the family, or what was tried (GOOD_FAITH, note)",
    }
    return {f"plan.{name}": wanted for name, wanted in asked.items() if isinstance(wanted, str)}


def _signed(signatures: list[Signature]) -> bool:
    school = any(one.party is PlanParty.SCHOOL and one.how is Signing.SIGNED for one in signatures)
    family = any(one.party in FAMILY and (one.how is not Signing.GOOD_FAITH or one.note) for one in signatures)
    return school and family
