"""What starts a case and what it shows; its signals and updates are the models of `rules.ladder.commands`."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from rules.ids import CaseId, EvaluationId, InstanceId, SchoolId, StudentId, TenantId
from rules.ladder.state import State


class Settings(BaseModel):
    """The tenant's choices, pinned at start."""

    model_config = ConfigDict(frozen=True)

    undo_seconds: int = 10
    remind_school_days: tuple[int, ...] = (3, 5, 10)
    history_budget: int = 2000


class Start(BaseModel):
    """Input of `StudentIntervention`; `state` is given by continue-as-new only, apart from `state.ladder`, the pinned
    snapshot.
    """

    model_config = ConfigDict(frozen=True)

    tenant_id: TenantId
    school_id: SchoolId
    student_id: StudentId
    instance_id: InstanceId
    case_id: CaseId | None = None
    school_year: str = ""
    evaluation_id: EvaluationId | None = None
    settings: Settings = Settings()
    state: State = State()


class View(BaseModel):
    """Answer of the query `view`: the whole state, the verbs it takes now, and why in words."""

    model_config = ConfigDict(frozen=True)

    instance_id: InstanceId
    status: str
    phase: str
    stage_key: str | None
    due_at: datetime | None
    verbs: tuple[str, ...]
    details: str
    state: State
