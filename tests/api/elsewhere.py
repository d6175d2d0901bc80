"""Routes whose parts are not connected in the walk, and the test in which each of them is seen to write its entry."""

from typing import Final

_LIVE: Final = "tests/live/test_verbs.py"  # `Town.said` waits for exactly one entry by whoever asked, with their reason
_LIVE_MOVES: Final = "tests/live/test_transfers.py"
_HERE: Final = "tests/api/test_recorded.py"
_PACKS: Final = "tests/api/test_evidence_packs.py::test_it_is_asked_back_when_the_basis_changes"
_HOOKS: Final = "tests/api/test_webhooks.py::test_every_change_is_audited"
_TENANTS: Final = "tests/api/test_tenancy.py"

RECORDED_ELSEWHERE: Final[dict[str, str]] = {
    "approve": f"{_LIVE}::test_approve_carries_the_step_out",
    "ask_erasure": "tests/api/test_erasure.py::test_whoever_asks_does_not_decide",
    "choose_transfer": f"{_LIVE_MOVES}::test_the_receiving_leader_takes_the_case",
    "choose_year_end": "tests/live/test_year_ends.py::test_the_officer_carries_a_case_into_the_new_year",
    "copy_plan": f"{_HERE}::test_copying_a_plan_for_one_guardian",
    "create_tenant": f"{_TENANTS}::test_a_new_tenant_has_an_administrator_who_signs_in_and_both_trails_say_who_made_it",
    "create_webhook": _HOOKS,
    "decide_corrections": "tests/live/test_corrections.py::test_many_walks_are_decided_together",
    "decide_exit": f"{_LIVE}::test_exit_review_confirmed_and_reopened_from_the_follow_up",
    "decide_in_bulk": f"{_LIVE}::test_bulk_decisions",
    "escalate": f"{_LIVE}::test_escalate_passes_over_rungs",
    "export_tenant": f"{_HERE}::test_taking_a_tenant_out",
    "generate_letter": f"{_HERE}::test_writing_a_letter_by_hand",
    "hold": f"{_LIVE}::test_hold_and_resume",
    "import_register": f"{_HERE}::test_importing_a_register",
    "make_pointer": "tests/api/test_pointers.py::test_staff_list_and_take_back",
    "prepare_evidence_pack": _PACKS,
    "put_tenant_settings": f"{_HERE}::test_changing_a_tenants_settings",
    "reapply_ruleset": f"{_LIVE}::test_ruleset_is_applied_again",
    "reassign": f"{_LIVE}::test_reassign_and_find_it_by_its_assignee",
    "recall_evidence_pack": _PACKS,
    "make_transfer_summary": "tests/api/test_transfer_summaries.py::test_it_is_stored_and_its_handing_over_recorded",
    "receive_events": f"{_HERE}::test_receiving_events",
    "record_contact": f"{_LIVE}::test_contacts_move_the_case_on",
    "record_delivery": f"{_LIVE}::test_delivery_by_post",
    "record_disclosure": f"{_HERE}::test_writing_down_a_disclosure",
    "release_evidence_pack": _PACKS,
    "send_referral": "tests/api/test_referrals.py::test_a_leader_sends_it_once_everything_is_there",
    "reopen": f"{_LIVE}::test_reopen_a_closed_walk",
    "resolve_basis": f"{_LIVE}::test_basis_kept",
    "resume": f"{_LIVE}::test_hold_and_resume",
    "resume_tenant": f"{_HERE}::test_suspending_and_resuming_a_tenant_stands_in_both_trails",
    "rotate_webhook_secret": _HOOKS,
    "run_evaluation": "tests/api/test_attendance.py::test_a_pass_by_hand_runs_once_per_key",
    "skip": f"{_LIVE}::test_skip_leaves_the_step_out",
    "start_instance": f"{_LIVE}::test_start_by_hand",
    "stop": f"{_LIVE}::test_stop_ends_the_walk",
    "suspend_tenant": f"{_HERE}::test_suspending_and_resuming_a_tenant_stands_in_both_trails",
    "withdraw_approval": f"{_LIVE}::test_withdraw_approval_within_the_undo",
}
