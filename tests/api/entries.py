"""What every route is about: the walk over all routes takes it from here, and a route without an entry fails.

To add a route: one line with its operation id. `STUDENT`, `SCHOOL` and `SHARED` name things by id in the path or body;
`ROSTER` lists things of students, `SCHOOLS` of schools, `COMMON` tells nothing of anyone. Ids in the path and in the
body's example are filled in by their names from `tests/api/furnished.py`; `path`, `body` and `query` put others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rules.rulesets.ruleset import dump_ruleset, load_pack
from tests.api.district import TODAY


class About(StrEnum):
    """What a route reaches, and so whom it must refuse."""

    STUDENT = "a thing of one student"
    SCHOOL = "a thing of one school"
    SHARED = "a thing of the tenant that every school shares"
    WHOLE = "a thing of the whole tenant, for people of every school only"
    ROSTER = "a list about students"
    SCHOOLS = "a list about schools"
    COMMON = "nothing of anybody"


@dataclass(frozen=True)
class Entry:
    """One route: what it is about, what the allowed caller gets, and what must be put into path, query and body."""

    about: About
    answers: tuple[int, ...] = (200,)
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    person: str | None = None
    sees: str | None = None
    any_at_school: bool = False
    by_row: bool = False


STUDENT, SCHOOL, SHARED, WHOLE = About.STUDENT, About.SCHOOL, About.SHARED, About.WHOLE
ROSTER, SCHOOLS, COMMON = About.ROSTER, About.SCHOOLS, About.COMMON
SPAN = {"from": "2026-11-01", "to": TODAY.isoformat()}
# Temporal is not connected in the walk: past permission, a verb answers that it cannot be told to the case
VERB = Entry(STUDENT, (503,))
SHAKEN = {"instance_id": "shaken_id", "event_id": "shaken_event_id", "choice": "keep"}
STORED = Entry(STUDENT, (503,))
WALKED = dump_ruleset(load_pack("general")) | {"key": "walked"}


def ruleset(state: str, *answers: int, **more: Any) -> Entry:
    return Entry(SHARED, answers or (200,), {"version_id": f"{state}_version_id"}, **more)


def template(state: str, about: About = SCHOOL, *answers: int, **more: Any) -> Entry:
    return Entry(about, answers or (200,), {"version_id": f"{state}_template_id"}, **more)


ENTRIES: dict[str, Entry] = {
    # ladder
    "read_queue": Entry(ROSTER, sees="proposal_id"),
    "decide_in_bulk": Entry(STUDENT, (503,), body={"stage_key": "contact"}, by_row=True),
    "start_instance": Entry(STUDENT, (409,), body={"rule_set_key": "walked"}),  # Ann is on that ladder already
    "read_instance": Entry(STUDENT),
    "read_timeline": Entry(STUDENT),
    "list_student_instances": Entry(STUDENT),
    "list_corrections": Entry(ROSTER, sees="shaken_event_id"),
    "decide_corrections": Entry(STUDENT, (503,), body={"rows": [SHAKEN]}, by_row=True),
    "list_late_trips": Entry(ROSTER, sees="trip_id"),
    "approve": VERB,
    "withdraw_approval": VERB,
    "skip": VERB,
    "hold": VERB,
    "resume": VERB,
    "stop": VERB,
    "escalate": VERB,
    "reassign": VERB,
    "reopen": Entry(STUDENT, (409,), {"instance_id": "closed_instance_id"}),
    "decide_exit": VERB,
    "resolve_basis": VERB,
    "reapply_ruleset": Entry(STUDENT, (503,), body={"version_id": "active_version_id"}),
    "record_contact": Entry(STUDENT, (503,), body={"guardian_id": "guardian_id"}),
    "record_delivery": Entry(STUDENT, (404,)),  # no letter was handed to this case
    "choose_transfer": VERB,
    "read_handover": Entry(STUDENT),
    "read_year_end": Entry(STUDENT),
    "choose_year_end": VERB,
    # cases
    "list_cases": Entry(ROSTER, sees="case_id"),
    "read_case": Entry(STUDENT),
    "resolve_case": Entry(STUDENT),
    "list_tasks": Entry(ROSTER, sees="other_task_id"),
    "create_task": Entry(STUDENT, (201,), body={"student_id": "student_id"}),
    "complete_task": Entry(STUDENT),
    "read_exemptions": Entry(STUDENT),
    "put_exemptions": Entry(STUDENT),
    "record_absence_reason": Entry(STUDENT, (201,)),
    "list_contact_stops": Entry(ROSTER, sees="other_stop_id"),
    "set_contact_stop": Entry(STUDENT, (201,), body={"subject_id": "student_id"}, any_at_school=True),
    "lift_contact_stop": Entry(STUDENT, query={"reason": "The family asked."}),
    "list_breakers": Entry(SCHOOLS, sees="breaker_id"),
    "release_breaker": Entry(SCHOOL, (200, 409)),
    "read_sending": Entry(SCHOOLS),
    "turn_sending": Entry(SCHOOL, body={"enabled": True}),
    # plans
    "list_plans": Entry(ROSTER, sees="plan_id"),
    "read_plan": Entry(STUDENT),
    "put_plan": Entry(STUDENT),
    "agree_plan": Entry(STUDENT, (200, 409), {"plan_id": "whole_plan_id"}),
    "review_plan": Entry(STUDENT, (200, 409), {"plan_id": "agreed_plan_id"}),
    "copy_plan": Entry(STUDENT, (503,), {"plan_id": "agreed_plan_id"}),
    # referrals
    "list_referrals": Entry(ROSTER, sees="referral_id"),
    "read_referral": Entry(STUDENT),
    "read_referral_readiness": STORED,
    "put_referral": Entry(STUDENT),
    "send_referral": Entry(STUDENT, (503,), body={"pack_id": "pack_id"}),
    "acknowledge_referral": Entry(STUDENT, (200, 409), {"referral_id": "sent_referral_id"}),
    "answer_referral": Entry(STUDENT, (200, 409), {"referral_id": "arrived_referral_id"}),
    "end_referral": Entry(STUDENT, (200, 409)),
    # duties
    "list_duties": Entry(ROSTER, sees="open_duty_id"),
    "close_duty": Entry(
        STUDENT,
        (200, 409),
        body={"state": "DONE_ELSEWHERE", "reason": "The school before us did.", "evidence": "Their letter."},
    ),
    "decide_duty_basis": Entry(STUDENT, (200, 409), {"duty_id": "lost_duty_id"}),
    "record_register_event": Entry(STUDENT, (201,), body={"event": "removed_from_register"}),
    # rules
    "list_rulesets": Entry(SHARED, sees="active_version_id"),
    "draft_ruleset": Entry(COMMON, (201,)),
    "list_packs": Entry(COMMON),
    "read_schema": Entry(COMMON),
    "read_ruleset": ruleset("active"),
    "check_ruleset": ruleset("active"),
    "compare_rulesets": ruleset("active", query={"against": "draft_version_id"}),
    "edit_ruleset": ruleset("draft", body={"document": WALKED}, person="district_admin"),
    "submit_ruleset": ruleset("draft_2", person="district_admin-2"),
    "approve_ruleset": ruleset("review", 200, 409),
    "activate_ruleset": ruleset("approved", 200, 409),
    "retire_ruleset": ruleset("active", 200, 409),
    "begin_shadow": ruleset("approved", 200, 409),
    "end_shadow": ruleset("approved", 200, 409),
    "list_shadow_nights": Entry(SCHOOLS, path={"version_id": "approved_version_id"}, sees="night_id"),
    "list_shadow_students": Entry(ROSTER, path={"version_id": "approved_version_id"}, sees="difference_id"),
    "read_decision": Entry(STUDENT),
    "simulate_student": Entry(STUDENT, body={"version_id": "active_version_id"}),
    "run_backtest": Entry(SCHOOL, (202,), body={"rule_sets": [{"document": WALKED}]}),
    "list_backtests": Entry(SCHOOLS, sees="backtest_id"),
    "read_backtest": Entry(SCHOOL),
    "list_backtest_students": Entry(SCHOOL),
    "cancel_backtest": Entry(SCHOOL, (200, 409), {"backtest_id": "going_backtest_id"}),
    # people
    "list_schools": Entry(SCHOOLS, sees="school_id"),
    "read_calendar": Entry(SCHOOL, query=SPAN),
    "put_calendar": Entry(SCHOOL),
    "list_students": Entry(ROSTER, sees="student_id"),
    "read_student": Entry(STUDENT),
    "list_guardians": Entry(STUDENT),
    "read_guardian_link": Entry(STUDENT),
    "put_guardian_link": Entry(STUDENT),
    "confirm_guardian_link": Entry(STUDENT, (200, 409)),
    "list_behaviour": Entry(STUDENT),
    "list_predictions": Entry(STUDENT),
    "list_student_sections": Entry(STUDENT),
    "list_sections": Entry(SCHOOL),
    "list_prior_events": Entry(STUDENT),
    "read_prior_events": Entry(STUDENT),
    "record_prior_events": Entry(STUDENT),
    "confirm_prior_events": Entry(STUDENT, (200, 409)),
    "read_care_flags": Entry(STUDENT),
    "put_care_flags": Entry(STUDENT),
    "read_preferences": Entry(STUDENT),
    "put_preferences": Entry(STUDENT),
    "list_pointers": Entry(STUDENT),
    "make_pointer": Entry(STUDENT, (409,), body={"thing_id": "letter_id"}),  # a contact stop covers Ann
    "withdraw_pointer": Entry(STUDENT, (200, 409), query={"reason": "Sent to the wrong phone."}),
    "list_people": Entry(SCHOOLS, sees="person_id"),
    "create_person": Entry(WHOLE, (201, 409)),
    "read_roles": Entry(WHOLE),
    "put_roles": Entry(WHOLE),
    # letters
    "list_templates": Entry(SHARED, sees="draft_template_id"),
    "draft_template": Entry(SCHOOL, (201, 409), body={"school_id": "school_id"}),
    "list_starter_templates": Entry(COMMON),
    "read_template": template("draft", SHARED),
    "edit_template": template("draft"),
    "submit_template": template("draft_2"),
    "approve_template": template("review"),
    "retire_template": template("approved"),
    "generate_letter": STORED,
    "list_artifacts": Entry(ROSTER, sees="artifact_id"),
    "download_artifact": STORED,
    "verify_artifact": STORED,
    "preview_template": template("draft", SHARED, 503),
    # meetings
    "list_meetings": Entry(ROSTER, sees="meeting_id"),
    "book_meeting": Entry(STUDENT, (201,)),
    "list_slots": Entry(STUDENT, query={"school_id": "school_id", "student_id": "student_id", **SPAN}),
    "read_meeting": Entry(STUDENT),
    "put_meeting": Entry(STUDENT),
    # tenants
    "read_tenant_settings": Entry(SHARED),
    "put_tenant_settings": Entry(SHARED, (422,)),  # the example names a school that is not here
    # governance
    "read_audit": Entry(ROSTER, sees="audit_id"),
    "extract_audit": Entry(STUDENT, query={"student_id": "student_id", "use": "IEP", "format": "csv"}),
    "read_compliance": Entry(SCHOOLS, query={**SPAN, "verify": "false"}, sees="instance_id"),
    "read_fairness": Entry(SCHOOL, query={"school_id": "school_id", "from": "2026-09-01", "to": "2026-10-31"}),
    "verify_trail": Entry(COMMON, (503,)),
    "prepare_evidence_pack": STORED,
    "list_case_evidence_packs": Entry(STUDENT),
    "list_evidence_packs": Entry(ROSTER, sees="pack_id"),
    "read_evidence_pack": Entry(STUDENT),
    "download_evidence_pack": STORED,
    "release_evidence_pack": STORED,
    "verify_evidence_pack": STORED,
    "list_pack_recipients": STORED,
    "recall_evidence_pack": Entry(STUDENT, (409,)),  # nothing was released
    "read_record": Entry(STUDENT),
    "read_legal_hold": Entry(STUDENT),
    "put_legal_hold": Entry(STUDENT, (200, 409)),
    "read_erasure": Entry(STUDENT),
    "ask_erasure": VERB,
    "list_retention_periods": Entry(WHOLE),
    "list_retention_lists": Entry(WHOLE, sees="retention_run_id"),
    "read_retention_list": Entry(WHOLE, path={"run_id": "retention_run_id"}),
    "list_disclosures": Entry(STUDENT),
    "record_disclosure": STORED,
    "make_transfer_summary": STORED,
    "list_amendment_requests": Entry(STUDENT),
    "ask_amendment": Entry(STUDENT, (201,)),
    "decide_amendment": Entry(STUDENT),
    "list_incidents": Entry(ROSTER, sees="incident_id"),
    "report_incident": Entry(STUDENT, (201,), body={"message_id": "message_id", "artifact_id": "artifact_id"}),
    "read_incident": Entry(STUDENT),
    "close_incident": Entry(STUDENT, (200, 409)),
    # the walk's installation names no operator: tests/api/test_tenancy.py does
    "create_tenant": Entry(COMMON, (403,)),
    "suspend_tenant": Entry(COMMON, (403,)),
    "resume_tenant": Entry(COMMON, (403,)),
    "export_tenant": Entry(SHARED, (503,)),  # the walk has no document store
    # events
    "read_events": Entry(WHOLE),
    "receive_events": Entry(WHOLE, (422,)),  # the example's student is not here
    "list_inbound_events": Entry(WHOLE),
    "list_webhooks": Entry(WHOLE, sees="webhook_id"),
    "create_webhook": Entry(WHOLE, (503,)),  # the walk has no keys to wrap its secret with
    "remove_webhook": Entry(WHOLE, path={"webhook_id": "webhook_2_id"}, query={"reason": "Not needed."}),
    "rotate_webhook_secret": Entry(WHOLE, (503,)),
    "list_webhook_deliveries": Entry(WHOLE),
    "replay_webhook": Entry(WHOLE),
    # attendance
    "import_register": Entry(WHOLE, (422,)),
    "list_imports": Entry(SHARED, sees="import_id"),
    "read_import": Entry(SHARED),
    "list_summaries": Entry(STUDENT, query=SPAN),
    "list_marks": Entry(STUDENT, query=SPAN),
    "correct_register": Entry(STUDENT, (201,)),
    "read_code_map": Entry(COMMON, path={"code_set": "UK"}),
    "put_code_map": Entry(COMMON, path={"code_set": "UK"}),
    "list_quarantine": Entry(WHOLE, sees="row_id"),
    "resolve_quarantine": Entry(WHOLE),
    "run_evaluation": Entry(COMMON, (503,)),
    "list_evaluations": Entry(SCHOOLS),
}
