"""Merge data of invented people, shared by the tests of letters."""

from typing import Any

DATA: dict[str, Any] = {
    "school_name": "Gaelscoil Átha Cliath",
    "school_address": ["12 Sráid na Scoile", "Baile Átha Cliath 8", "D08 A1B2"],
    "school_phone": "+353 1 555 0100",
    "guardian_name": "Siobhán Ní Bhriain",
    "guardian_address": ["14 Sráid na hÓige", "Baile Átha Cliath 8", "D08 X2Y3"],
    "letter_date": "2026-11-21",
    "reference": "HR-2026-7K4Q2M",
    "contact_name": "Aoife Byrne",
    "contact_role": "Home school liaison",
    "contact_phone": "+353 1 555 0134",
    "plan_aims": ["I want to sit with my friends again."],
    "plan_actions": ["Breakfast club from Monday."],
    "plan_adjustments": ["Comes in by the side door."],
    "salutation": "Dear Ms Ní Bhriain",
    "student_first_name": "Seán",
    "absence_count": 4,
    "absence_days": "4.5 days",
    "absence_dates": ["2026-11-03", "2026-11-05 AM", "2026-11-09", "2026-11-16", "2026-11-18"],
    "unexplained_count": 2,
    "period_start": "2026-10-19",
    "period_end": "2026-11-20",
    "reason_sentence": "We do not know why yet.",
    "attendance_percent": "84.2",
    "previous_letter_date": "2026-10-20",
    "meeting_time": "2026-12-01T14:30",
    "meeting_place": "Gaelscoil Átha Cliath, room 4",
    "meeting_minutes": 30,
    "reply_by": "2026-11-30",
    "next_step": "We will write to you again once we have heard from them.",
    "agency_name": "the Educational Welfare Service",
    "review_date": "2027-01-15",
}
FRAME = {name: DATA[name] for name in list(DATA)[:10]}
