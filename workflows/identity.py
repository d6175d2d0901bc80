"""Names that are never encrypted: workflow ids, the task queue, search attributes. Opaque ids only."""

from uuid import UUID

from temporalio.common import Priority, SearchAttributeKey

from rules.ids import InstanceId, TenantId

TASK_QUEUE = "handrail"
TENANT = SearchAttributeKey.for_keyword("HandrailTenant")
SCHOOL = SearchAttributeKey.for_keyword("HandrailSchool")
STAGE = SearchAttributeKey.for_keyword("HandrailStage")
PHASE = SearchAttributeKey.for_keyword("HandrailPhase")
RULE_SET = SearchAttributeKey.for_keyword("HandrailRuleSet")
AWAITING_APPROVAL = SearchAttributeKey.for_bool("HandrailAwaitingApproval")
DUE_AT = SearchAttributeKey.for_datetime("HandrailDueAt")
SEARCH_ATTRIBUTES = (TENANT, SCHOOL, STAGE, PHASE, RULE_SET, AWAITING_APPROVAL, DUE_AT)
STATIC_SUMMARY = "Attendance intervention"


def ladder_id(tenant_id: TenantId, school_year: str, instance_id: InstanceId) -> str:
    """The one workflow of an instance row."""
    return f"att:{tenant_id}:{school_year}:{instance_id}"


def nightly_id(tenant_id: TenantId, time_zone: str) -> str:
    """The nightly pass of a tenant and time zone, also the id of its schedule; a second one waits its turn."""
    return f"nightly:{tenant_id}:{time_zone.replace('/', '_')}"


def backtest_id(tenant_id: TenantId, backtest_id: UUID) -> str:
    """The one workflow of a backtest row."""
    return f"backtest:{tenant_id}:{backtest_id}"


def beginnings(tenant_id: TenantId) -> tuple[str, ...]:
    """How the id of everything that runs for a tenant begins."""
    return f"att:{tenant_id}:", f"nightly:{tenant_id}:", f"backtest:{tenant_id}:"


def interactive(tenant_id: TenantId) -> Priority:
    """A person waits for it."""
    return Priority(priority_key=1, fairness_key=str(tenant_id))


def sweep(tenant_id: TenantId) -> Priority:
    """Nobody waits for it."""
    return Priority(priority_key=5, fairness_key=str(tenant_id))
