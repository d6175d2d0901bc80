"""Roles, permissions and the table of which role holds which: data, so that the permission guide is made from it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What a person is to a school or tenant (security.md); a person may hold several, a token speaks for one."""

    DISTRICT_ADMIN = "district_admin"
    SCHOOL_LEADER = "school_leader"
    ATTENDANCE_OFFICER = "attendance_officer"
    SPECIALIST = "specialist"
    FACILITATOR = "facilitator"
    TEACHER = "teacher"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    INCLUSION_LEAD = "inclusion_lead"
    LIAISON = "liaison"
    DPO = "dpo"
    AUDITOR = "auditor"
    INTEGRATION = "integration"
    EXTERNAL = "external"
    STUDENT = "student"
    GUARDIAN = "guardian"


class Permission(StrEnum):
    """One thing a caller may ask for; every route names exactly one."""

    QUEUE_READ = "queue:read"
    INSTANCE_READ = "instances:read"
    INSTANCE_START = "instances:start"
    STEP_APPROVE = "steps:approve"
    STEP_SKIP = "steps:skip"
    INSTANCE_HOLD = "instances:hold"
    INSTANCE_STOP = "instances:stop"
    INSTANCE_ESCALATE = "instances:escalate"
    INSTANCE_REASSIGN = "instances:reassign"
    INSTANCE_REOPEN = "instances:reopen"
    EXIT_DECIDE = "exits:decide"
    BASIS_RESOLVE = "basis:resolve"
    RULESET_REAPPLY = "rulesets:reapply"
    TRANSFER_CHOOSE = "transfers:choose"
    YEAR_END_CHOOSE = "year_ends:choose"
    CONTACT_RECORD = "contacts:record"
    DELIVERY_RECORD = "deliveries:record"
    CASE_READ = "cases:read"
    CASE_RESOLVE = "cases:resolve"
    CONTACT_STOP_READ = "contact_stops:read"
    CONTACT_STOP_SET = "contact_stops:set"
    CONTACT_STOP_LIFT = "contact_stops:lift"
    BREAKER_READ = "breakers:read"
    BREAKER_RELEASE = "breakers:release"
    SENDING_READ = "sending:read"
    SENDING_SWITCH = "sending:switch"
    PLAN_READ = "plans:read"
    PLAN_WRITE = "plans:write"
    REFERRAL_READ = "referrals:read"
    REFERRAL_SEND = "referrals:send"
    REFERRAL_RECORD = "referrals:record"
    DUTY_READ = "duties:read"
    DUTY_CLOSE = "duties:close"
    DUTY_DECIDE = "duties:decide"
    REGISTER_EVENT_WRITE = "register_events:write"
    TASK_READ = "tasks:read"
    TASK_WRITE = "tasks:write"
    EXEMPTION_WRITE = "exemptions:write"
    REASON_WRITE = "absence_reasons:write"
    RULESET_READ = "rulesets:read"
    RULESET_WRITE = "rulesets:write"
    RULESET_APPROVE = "rulesets:approve"
    RULESET_ACTIVATE = "rulesets:activate"
    SIMULATE = "rulesets:simulate"
    BACKTEST_RUN = "backtests:run"
    BACKTEST_READ = "backtests:read"
    BACKTEST_STUDENTS = "backtests:students"
    IMPORT_WRITE = "imports:write"
    IMPORT_READ = "imports:read"
    ATTENDANCE_READ = "attendance:read"
    ATTENDANCE_CORRECT = "attendance:correct"
    CODE_MAP_READ = "code_maps:read"
    CODE_MAP_WRITE = "code_maps:write"
    QUARANTINE_READ = "quarantine:read"
    QUARANTINE_RESOLVE = "quarantine:resolve"
    EVALUATE = "evaluations:run"
    SCHOOL_READ = "schools:read"
    CALENDAR_WRITE = "calendars:write"
    STUDENT_READ = "students:read"
    GUARDIAN_READ = "guardians:read"
    GUARDIAN_LINK_WRITE = "guardian_links:write"
    GUARDIAN_LINK_CONFIRM = "guardian_links:confirm"
    GUARDIAN_HISTORY_READ = "guardian_histories:read"
    GUARDIAN_HISTORY_WRITE = "guardian_histories:write"
    GUARDIAN_HISTORY_CONFIRM = "guardian_histories:confirm"
    POINTER_READ = "pointers:read"
    POINTER_WRITE = "pointers:write"
    BEHAVIOUR_READ = "behaviour:read"
    PREDICTION_READ = "predictions:read"
    SECTION_READ = "sections:read"
    CARE_FLAG_READ = "care_flags:read"
    CARE_FLAG_WRITE = "care_flags:write"
    PREFERENCE_READ = "preferences:read"
    PREFERENCE_WRITE = "preferences:write"
    PERSON_READ = "people:read"
    PERSON_WRITE = "people:write"
    TEMPLATE_READ = "templates:read"
    TEMPLATE_WRITE = "templates:write"
    TEMPLATE_APPROVE = "templates:approve"
    LETTER_GENERATE = "letters:generate"
    ARTIFACT_READ = "artifacts:read"
    MEETING_READ = "meetings:read"
    MEETING_WRITE = "meetings:write"
    TENANT_SETTINGS_READ = "tenant_settings:read"
    TENANT_SETTINGS_WRITE = "tenant_settings:write"
    TENANT_MANAGE = "tenants:manage"
    TENANT_EXPORT = "tenants:export"
    EVENT_READ = "events:read"
    EVENT_SEND = "events:send"
    WEBHOOK_READ = "webhooks:read"
    WEBHOOK_WRITE = "webhooks:write"
    AUDIT_READ = "audit:read"
    AUDIT_VERIFY = "audit:verify"
    AUDIT_EXTRACT = "audit:extract"
    COMPLIANCE_READ = "compliance:read"
    FAIRNESS_READ = "fairness:read"
    DISCLOSURE_READ = "disclosures:read"
    DISCLOSURE_WRITE = "disclosures:write"
    AMENDMENT_WRITE = "amendments:write"
    AMENDMENT_READ = "amendments:read"
    AMENDMENT_DECIDE = "amendments:decide"
    INCIDENT_READ = "incidents:read"
    INCIDENT_REPORT = "incidents:report"
    INCIDENT_CLOSE = "incidents:close"
    PACK_LIST = "evidence_packs:list"
    PACK_READ = "evidence_packs:read"
    PACK_WRITE = "evidence_packs:write"
    PACK_RELEASE = "evidence_packs:release"
    LEGAL_HOLD_READ = "legal_holds:read"
    LEGAL_HOLD_WRITE = "legal_holds:write"
    ERASURE_READ = "erasures:read"
    ERASURE_WRITE = "erasures:write"


_LEADERS = frozenset({Role.DISTRICT_ADMIN, Role.SCHOOL_LEADER})
_OFFICE = _LEADERS | {Role.ATTENDANCE_OFFICER}
_CARE = frozenset({Role.SPECIALIST, Role.SAFEGUARDING_LEAD, Role.INCLUSION_LEAD})
_CASEWORK = _OFFICE | _CARE
_READERS = _CASEWORK | {Role.LIAISON, Role.DPO}
_CLASSROOM = frozenset({Role.TEACHER, Role.FACILITATOR})
_STAFF = _CASEWORK | _CLASSROOM | {Role.LIAISON}
_FEEDS = frozenset({Role.DISTRICT_ADMIN, Role.ATTENDANCE_OFFICER, Role.INTEGRATION})
_ADMIN = frozenset({Role.DISTRICT_ADMIN})
_PRIVACY = _LEADERS | {Role.DPO, Role.SAFEGUARDING_LEAD}

# A care flag is set and read by those who stand near the child; everybody else sees "needs a second look"
_FLAGS = frozenset({Role.SCHOOL_LEADER, Role.SAFEGUARDING_LEAD, Role.INCLUSION_LEAD, Role.SPECIALIST})

_FAMILY = frozenset({Role.STUDENT, Role.GUARDIAN})
_NAMED = frozenset({Role.EXTERNAL})
# Who looks at what others did and saw. An auditor reads the trails of the house and no record behind them.
_WATCH = frozenset({Role.AUDITOR, Role.DPO})

# No school opens these roles a student: a named case, their own record or their own child does
NAMED_STUDENTS_ONLY = _FAMILY | _NAMED
# These reach students of their own classes and groups, within their schools
OWN_STUDENTS_ONLY = NAMED_STUDENTS_ONLY | _CLASSROOM

# Register codes tell of illness, religion, exclusion: everybody else sees "absent, reason known" (safeguards.md 6)
SEES_CODES = frozenset({Role.ATTENDANCE_OFFICER, Role.SPECIALIST, Role.INCLUSION_LEAD, Role.SAFEGUARDING_LEAD})

GRANTS: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        Permission.QUEUE_READ: _CASEWORK,
        Permission.INSTANCE_READ: _READERS | _NAMED,
        Permission.INSTANCE_START: _CASEWORK,
        Permission.STEP_APPROVE: _CASEWORK,
        Permission.STEP_SKIP: _CASEWORK,
        Permission.INSTANCE_HOLD: _CASEWORK,
        Permission.INSTANCE_STOP: _CASEWORK,
        Permission.INSTANCE_ESCALATE: _LEADERS | _CARE,
        Permission.INSTANCE_REASSIGN: _CASEWORK,
        Permission.INSTANCE_REOPEN: _CASEWORK,
        Permission.EXIT_DECIDE: _CASEWORK,
        Permission.BASIS_RESOLVE: _CASEWORK,
        Permission.RULESET_REAPPLY: _LEADERS,
        Permission.TRANSFER_CHOOSE: _LEADERS,
        Permission.YEAR_END_CHOOSE: _CASEWORK,
        Permission.CONTACT_RECORD: _CASEWORK | {Role.LIAISON},
        Permission.DELIVERY_RECORD: _CASEWORK | {Role.LIAISON},
        Permission.CASE_READ: _READERS | _NAMED,
        Permission.CASE_RESOLVE: _LEADERS | _CARE,
        Permission.CONTACT_STOP_READ: _READERS | _CLASSROOM,
        Permission.CONTACT_STOP_SET: _STAFF,
        Permission.CONTACT_STOP_LIFT: _LEADERS | {Role.SAFEGUARDING_LEAD},
        Permission.BREAKER_READ: _READERS,
        Permission.BREAKER_RELEASE: _LEADERS,
        Permission.SENDING_READ: _READERS,
        Permission.SENDING_SWITCH: _LEADERS,
        Permission.PLAN_READ: _READERS,
        Permission.PLAN_WRITE: _CASEWORK | {Role.LIAISON},
        # who is referred to an authority or a court is for those who work on the case
        Permission.REFERRAL_READ: _CASEWORK | {Role.DPO},
        Permission.REFERRAL_SEND: _LEADERS,
        Permission.REFERRAL_RECORD: _CASEWORK,
        Permission.DUTY_READ: _READERS,
        Permission.DUTY_CLOSE: _CASEWORK,
        Permission.DUTY_DECIDE: _LEADERS,
        Permission.REGISTER_EVENT_WRITE: _CASEWORK,
        Permission.TASK_READ: _STAFF | {Role.DPO},
        Permission.TASK_WRITE: _STAFF | {Role.DPO},
        Permission.EXEMPTION_WRITE: _CASEWORK,
        Permission.REASON_WRITE: _CASEWORK,
        Permission.RULESET_READ: _READERS,
        Permission.RULESET_WRITE: _LEADERS | {Role.SPECIALIST},
        Permission.RULESET_APPROVE: _LEADERS,
        Permission.RULESET_ACTIVATE: _ADMIN,
        Permission.SIMULATE: _CASEWORK,
        Permission.BACKTEST_RUN: _OFFICE | {Role.SPECIALIST},
        Permission.BACKTEST_READ: _OFFICE | {Role.SPECIALIST, Role.DPO},
        Permission.BACKTEST_STUDENTS: _OFFICE | {Role.SPECIALIST},
        Permission.IMPORT_WRITE: _FEEDS,
        Permission.IMPORT_READ: _FEEDS | {Role.SCHOOL_LEADER},
        Permission.ATTENDANCE_READ: _READERS | _NAMED | {Role.STUDENT},
        Permission.ATTENDANCE_CORRECT: _OFFICE,
        Permission.CODE_MAP_READ: _READERS | {Role.INTEGRATION},
        Permission.CODE_MAP_WRITE: _ADMIN,
        Permission.QUARANTINE_READ: _FEEDS,
        Permission.QUARANTINE_RESOLVE: frozenset({Role.DISTRICT_ADMIN, Role.ATTENDANCE_OFFICER}),
        Permission.EVALUATE: _OFFICE,
        Permission.SCHOOL_READ: _STAFF | {Role.DPO, Role.INTEGRATION},
        Permission.CALENDAR_WRITE: _LEADERS,
        Permission.STUDENT_READ: _READERS | _CLASSROOM | _NAMED | _FAMILY,
        Permission.GUARDIAN_READ: _READERS,
        Permission.GUARDIAN_LINK_WRITE: _OFFICE | {Role.SAFEGUARDING_LEAD},
        Permission.GUARDIAN_LINK_CONFIRM: _LEADERS | {Role.SAFEGUARDING_LEAD},
        Permission.GUARDIAN_HISTORY_READ: _CASEWORK | {Role.DPO},
        Permission.GUARDIAN_HISTORY_WRITE: _OFFICE | {Role.SAFEGUARDING_LEAD},
        Permission.GUARDIAN_HISTORY_CONFIRM: _LEADERS | {Role.SAFEGUARDING_LEAD},
        Permission.POINTER_READ: _READERS,
        Permission.POINTER_WRITE: _CASEWORK | {Role.LIAISON},
        Permission.BEHAVIOUR_READ: _CASEWORK | _CLASSROOM | {Role.DPO},
        # a guess about a child: for those who plan support, and those who answer for it
        Permission.PREDICTION_READ: _LEADERS | _CARE | {Role.DPO},
        Permission.SECTION_READ: _STAFF | {Role.DPO},
        Permission.CARE_FLAG_READ: _FLAGS,
        Permission.CARE_FLAG_WRITE: _FLAGS,
        Permission.PREFERENCE_READ: _READERS | {Role.GUARDIAN},
        Permission.PREFERENCE_WRITE: _CASEWORK | {Role.LIAISON, Role.GUARDIAN},
        Permission.PERSON_READ: _CASEWORK | {Role.DPO},
        Permission.PERSON_WRITE: _ADMIN,
        Permission.TEMPLATE_READ: _READERS,
        Permission.TEMPLATE_WRITE: _LEADERS | {Role.SPECIALIST, Role.ATTENDANCE_OFFICER},
        Permission.TEMPLATE_APPROVE: _LEADERS,
        Permission.LETTER_GENERATE: _CASEWORK,
        Permission.ARTIFACT_READ: _READERS,
        Permission.MEETING_READ: _STAFF,
        Permission.MEETING_WRITE: _CASEWORK | {Role.LIAISON},
        Permission.TENANT_SETTINGS_READ: _ADMIN,
        Permission.TENANT_SETTINGS_WRITE: _ADMIN,
        Permission.TENANT_MANAGE: _ADMIN,
        Permission.TENANT_EXPORT: _ADMIN,
        Permission.EVENT_READ: _ADMIN | {Role.INTEGRATION},
        Permission.EVENT_SEND: _ADMIN | {Role.INTEGRATION},
        Permission.WEBHOOK_READ: _ADMIN | {Role.INTEGRATION},
        Permission.WEBHOOK_WRITE: _ADMIN,
        Permission.AUDIT_READ: _WATCH,
        Permission.AUDIT_VERIFY: _WATCH | _ADMIN,
        Permission.AUDIT_EXTRACT: _WATCH | _LEADERS | _CARE,
        Permission.COMPLIANCE_READ: _WATCH | _LEADERS,
        # figures of groups, for those who can put a practice right and those who answer for it
        Permission.FAIRNESS_READ: _WATCH | _LEADERS | {Role.INCLUSION_LEAD},
        Permission.DISCLOSURE_READ: _PRIVACY | {Role.AUDITOR, Role.GUARDIAN},
        Permission.DISCLOSURE_WRITE: _CASEWORK | {Role.DPO},
        Permission.AMENDMENT_WRITE: _OFFICE | {Role.DPO, Role.SAFEGUARDING_LEAD, Role.LIAISON, Role.GUARDIAN},
        Permission.AMENDMENT_READ: _PRIVACY | {Role.ATTENDANCE_OFFICER, Role.AUDITOR},
        Permission.AMENDMENT_DECIDE: _PRIVACY,
        Permission.INCIDENT_READ: _PRIVACY | {Role.AUDITOR},
        Permission.INCIDENT_REPORT: _STAFF | {Role.DPO},
        Permission.INCIDENT_CLOSE: _PRIVACY,
        Permission.PACK_LIST: _READERS,
        Permission.PACK_READ: _READERS | {Role.GUARDIAN},
        Permission.PACK_WRITE: _CASEWORK | {Role.DPO},
        Permission.PACK_RELEASE: _PRIVACY,
        Permission.LEGAL_HOLD_READ: _PRIVACY | {Role.AUDITOR},
        Permission.LEGAL_HOLD_WRITE: _LEADERS | {Role.DPO},
        Permission.ERASURE_READ: _LEADERS | {Role.DPO, Role.AUDITOR},
        Permission.ERASURE_WRITE: _LEADERS | {Role.DPO},
    }
)

# What one person begins another must finish: the permission, and whom it refuses although the role holds it
SECOND_PERSON: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.RULESET_APPROVE: "the author of the version",
        Permission.TEMPLATE_APPROVE: "the author of the version",
        Permission.GUARDIAN_LINK_CONFIRM: "whoever proposed the wider access",
        Permission.GUARDIAN_HISTORY_CONFIRM: "whoever recorded the history",
        Permission.PACK_RELEASE: "whoever signed the pages first",
        Permission.ERASURE_WRITE: "whoever asked for the erasure",
    }
)
