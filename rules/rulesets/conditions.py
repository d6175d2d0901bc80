"""Conditions: leaves and the trees `all`, `any`, `not` over them, read from JSON with errors that point into it."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from pydantic import Discriminator, Field, Tag, TypeAdapter

from rules.rulesets.case_leaves import (
    AgeBetween,
    Artifact,
    CaseResolved,
    CompulsorySchoolAge,
    ExemptionActive,
    GuardianReasonAccepted,
    PriorEvents,
    ProtectedStatus,
    StageAge,
    YearGroupIn,
)
from rules.rulesets.comparisons import FactKey
from rules.rulesets.documents import read
from rules.rulesets.leaves import (
    AbsenceCountThreshold,
    AttendancePercentThreshold,
    ConsecutiveAbsenceDays,
    DateWindow,
    DaysOrPartsThreshold,
    HoursMissedThreshold,
    Improvement,
    MonthsIntoYear,
    NewAbsencesSinceStep,
    OccasionCountThreshold,
    PossibleSessionsSinceStep,
    PriorYear,
    TardyCountThreshold,
    UnauthorisedSessionsThreshold,
)
from rules.rulesets.metrics import MetricKey
from rules.rulesets.parameters import Leaf, Strict
from rules.rulesets.problems import Flaw, Problem, refused
from rules.rulesets.progress_leaves import (
    ConsecutiveProficient,
    FacilitatorRecommends,
    GoalReached,
    ScoreBelow,
    TrendBelowAimline,
)

MAX_DEPTH: Final = 8
MAX_LEAVES: Final = 60
MAX_LEAVES_OF_SET: Final = 180
"""Each is an integer fact of one durable-rules message, which holds at most 255."""
LEAF_TYPES: Final[dict[str, type[Leaf]]] = {
    leaf.__name__: leaf
    for leaf in (
        AbsenceCountThreshold,
        AttendancePercentThreshold,
        ConsecutiveAbsenceDays,
        TardyCountThreshold,
        UnauthorisedSessionsThreshold,
        OccasionCountThreshold,
        DaysOrPartsThreshold,
        HoursMissedThreshold,
        DateWindow,
        StageAge,
        NewAbsencesSinceStep,
        PossibleSessionsSinceStep,
        PriorEvents,
        Artifact,
        ProtectedStatus,
        AgeBetween,
        CompulsorySchoolAge,
        YearGroupIn,
        ExemptionActive,
        GuardianReasonAccepted,
        CaseResolved,
        Improvement,
        PriorYear,
        MonthsIntoYear,
        ScoreBelow,
        ConsecutiveProficient,
        GoalReached,
        FacilitatorRecommends,
        TrendBelowAimline,
    )
}


def _shape(node: Any) -> str | None:
    """The model a node is meant for; None lets pydantic say that it is none of them."""
    if isinstance(node, AllOf | AnyOf | NotOf):
        return node.word
    if isinstance(node, Leaf):
        return type(node).__name__
    if not isinstance(node, dict):
        return None
    trees = (f"{tree}_of" for tree in ("all", "any", "not") if tree in node)  # never a key of the document itself
    word = node["type"] if "type" in node else next(trees, None)
    return word if isinstance(word, str) else None


class AllOf(Strict):
    """True when every child is; false as soon as one is false."""

    word: ClassVar[str] = "all_of"
    children: Annotated[tuple["Condition", ...], Field(min_length=1, alias="all")]


class AnyOf(Strict):
    """True as soon as one child is; false when every child is false."""

    word: ClassVar[str] = "any_of"
    children: Annotated[tuple["Condition", ...], Field(min_length=1, alias="any")]


class NotOf(Strict):
    """True when its child is false; unknown stays unknown."""

    word: ClassVar[str] = "not_of"
    child: Annotated["Condition", Field(alias="not")]


Condition = Annotated[
    Annotated[AllOf, Tag("all_of")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[NotOf, Tag("not_of")]
    | Annotated[AbsenceCountThreshold, Tag("AbsenceCountThreshold")]
    | Annotated[AttendancePercentThreshold, Tag("AttendancePercentThreshold")]
    | Annotated[ConsecutiveAbsenceDays, Tag("ConsecutiveAbsenceDays")]
    | Annotated[TardyCountThreshold, Tag("TardyCountThreshold")]
    | Annotated[UnauthorisedSessionsThreshold, Tag("UnauthorisedSessionsThreshold")]
    | Annotated[OccasionCountThreshold, Tag("OccasionCountThreshold")]
    | Annotated[DaysOrPartsThreshold, Tag("DaysOrPartsThreshold")]
    | Annotated[HoursMissedThreshold, Tag("HoursMissedThreshold")]
    | Annotated[DateWindow, Tag("DateWindow")]
    | Annotated[StageAge, Tag("StageAge")]
    | Annotated[NewAbsencesSinceStep, Tag("NewAbsencesSinceStep")]
    | Annotated[PossibleSessionsSinceStep, Tag("PossibleSessionsSinceStep")]
    | Annotated[PriorEvents, Tag("PriorEvents")]
    | Annotated[Artifact, Tag("Artifact")]
    | Annotated[ProtectedStatus, Tag("ProtectedStatus")]
    | Annotated[AgeBetween, Tag("AgeBetween")]
    | Annotated[CompulsorySchoolAge, Tag("CompulsorySchoolAge")]
    | Annotated[YearGroupIn, Tag("YearGroupIn")]
    | Annotated[ExemptionActive, Tag("ExemptionActive")]
    | Annotated[GuardianReasonAccepted, Tag("GuardianReasonAccepted")]
    | Annotated[CaseResolved, Tag("CaseResolved")]
    | Annotated[Improvement, Tag("Improvement")]
    | Annotated[PriorYear, Tag("PriorYear")]
    | Annotated[MonthsIntoYear, Tag("MonthsIntoYear")]
    | Annotated[ScoreBelow, Tag("ScoreBelow")]
    | Annotated[ConsecutiveProficient, Tag("ConsecutiveProficient")]
    | Annotated[GoalReached, Tag("GoalReached")]
    | Annotated[FacilitatorRecommends, Tag("FacilitatorRecommends")]
    | Annotated[TrendBelowAimline, Tag("TrendBelowAimline")],
    Discriminator(_shape),
]
"""A leaf `{"type", "params"}` or a tree `{"all": [...]}`, `{"any": [...]}`, `{"not": {...}}`."""

for _tree in (AllOf, AnyOf, NotOf):
    _tree.model_rebuild()
_ADAPTER: Final[TypeAdapter[Condition]] = TypeAdapter(Condition)


def parse_condition(document: Any, *, at: str = "") -> Condition:
    """Read one condition, or raise Invalid whose fields point into the document below `at`."""
    tree = read(_ADAPTER, document, at=at, what="condition")
    if found := too_big(tree):
        raise refused("ruleset_invalid", "The condition is not accepted", [Problem.at(at, *found)])
    return tree


def dump_condition(tree: Condition) -> Any:
    """The JSON form that `parse_condition` reads back."""
    return tree.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def children(tree: Condition | Leaf) -> tuple[Condition, ...]:
    """The nodes directly below; none for a leaf."""
    if isinstance(tree, AllOf | AnyOf):
        return tree.children
    return (tree.child,) if isinstance(tree, NotOf) else ()


def leaves(tree: Condition | Leaf) -> Iterator[Leaf]:
    """The leaves in the order they are written."""
    if isinstance(tree, Leaf):
        yield tree
    for child in children(tree):
        yield from leaves(child)


def depth(tree: Condition) -> int:
    """Levels of the tree; a leaf has one."""
    return 1 + max(map(depth, children(tree)), default=0)


def too_big(tree: Condition) -> tuple[Flaw, str, str] | None:
    """How a tree breaks the caps on depth and leaves, if it does, and what to do."""
    if depth(tree) > MAX_DEPTH:
        return Flaw.TOO_DEEP, f"nested {depth(tree)} levels deep, at most {MAX_DEPTH}", "flatten it"
    if (many := sum(1 for _ in leaves(tree))) > MAX_LEAVES:
        return Flaw.TOO_LARGE, f"{many} leaves, at most {MAX_LEAVES}", "split it"
    return None


def metric_keys(*trees: Condition | Leaf) -> tuple[MetricKey, ...]:
    """Every metric the trees need, once, in canonical order."""
    return tuple(sorted({key for tree in trees for leaf in leaves(tree) for key in leaf.metric_keys()}))


def fact_keys(*trees: Condition | Leaf) -> tuple[FactKey, ...]:
    """Every fact about the case the trees need, once, in order."""
    found = {key for tree in trees for leaf in leaves(tree) for key in leaf.needs() if isinstance(key, FactKey)}
    return tuple(sorted(found))
