"""The staging table of each kind of file, and why a row of it cannot be taken in: nothing is guessed."""

from collections.abc import Mapping

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "schools": (
        "school_id",
        "name",
        "phase",
        "timezone",
        "code_set",
        "missing_mark_policy",
        "sessions_per_day",
        "year_start",
        "day_basis",
    ),
    "code_map": ("code_set", "code", "status", "is_tardy"),
    "calendar": ("school_id", "date", "session", "minutes"),
    "classes": ("class_id", "school_id", "year_group", "name"),
    "students": (
        "student_id",
        "first_name",
        "last_name",
        "dob",
        "year_group",
        "class_id",
        "home_language",
        "exempt",
        "deleted_at",
    ),
    "student_merges": ("old_id", "new_id"),
    "student_attributes": ("student_id", "kind", "value"),
    "guardians": (
        "guardian_id",
        "name",
        "language",
        "preferred_channel",
        "email",
        "phone",
        "address",
        "opted_out_channels",
        "unreachable",
    ),
    "student_guardians": (
        "student_id",
        "guardian_id",
        "relation",
        "priority",
        "legal_responsibility",
        "lives_with",
        "receives_letters",
    ),
    "enrolments": ("student_id", "school_id", "start_date", "end_date", "attends", "registration"),
    "marks": (
        "mark_id",
        "student_id",
        "school_id",
        "date",
        "session",
        "code",
        "recorded_at",
        "register",
        "deleted",
        "minutes_missed",
        "reason_code",
        "source",
        "recorded_by",
        "recorded_by_title",
        "amend_reason",
    ),
}
# Marks are many: what the reader understood goes in as it is, with the row's key and whether a later row of the same
# block repeats it. In every other kind of file each column is text until it has been judged.
MARK_TYPES: Mapping[str, str] = {
    "row_key": "uuid",
    "repeated": "boolean",
    "date": "date",
    "recorded_at": "timestamptz",
    "deleted": "boolean",
    "minutes_missed": "int",
}
ENTITLEMENTS = ("legal_responsibility", "lives_with", "receives_letters")
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "schools": ("school_id", "code_set"),
    "code_map": ("code_set", "code", "status"),
    "calendar": ("school_id", "date", "session"),
    "classes": ("class_id", "school_id"),
    "students": ("student_id",),
    "student_merges": ("old_id", "new_id"),
    "student_attributes": ("student_id", "kind"),
    "guardians": ("guardian_id",),
    "student_guardians": ("student_id", "guardian_id"),
    "enrolments": ("student_id", "school_id", "start_date"),
    "marks": ("student_id", "school_id", "date", "session", "code"),
}


def definition(kind: str) -> str:
    """The columns of a staging table; `line` is the row's number in its file."""
    types = {**dict.fromkeys(COLUMNS[kind], "text"), **(MARK_TYPES if kind == "marks" else {})}
    return ", ".join(f"{name} {kind_of}" for name, kind_of in {"line": "bigint", **types}.items())


def _day(column: str) -> str:
    return (
        f"case when {column} is null then false else {column} !~ '^(20[0-9]{{2}}|2100)-[0-9]{{2}}-[0-9]{{2}}$'"
        f" or not pg_input_is_valid({column}, 'date') end"
    )


def _birth(column: str) -> str:
    return (
        f"case when {column} is null then false else {column} !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'"
        f" or not pg_input_is_valid({column}, 'date') end"
    )


def _instant(column: str) -> str:
    return (
        f"case when {column} is null then false else {column} !~"
        f" '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]+)?)?"
        f"(Z|[+-][0-9]{{2}}:?[0-9]{{2}})$'"
        f" or not pg_input_is_valid({column}, 'timestamptz') end"
    )


def _number(column: str) -> str:
    return f"{column} is not null and {column} !~ '^[0-9]{{1,4}}$'"


def _other_than(column: str, *words: str) -> str:
    return f"{column} is not null and {column} not in ({', '.join(repr(word) for word in words)})"


_NO_SCHOOL = "not exists (select from school h where h.source_id = s.school_id)"
_NO_STUDENT = "not exists (select from student t where t.source_id = s.student_id)"
# Where a student list has been read, an enrolment of somebody who is not on it names nobody; where there never was one
# (the folder of attendance.md S1 has none), the enrolments are the list.
_NOT_LISTED = f"""exists (select from import_run r where cast(r.counts ->> 'students' as bigint) > 0)
    and {_NO_STUDENT}"""
_NO_GUARDIAN = "not exists (select from guardian g where g.source_id = s.guardian_id)"
_STATUSES = (
    "PRESENT",
    "LATE",
    "AUTHORISED_ABSENT",
    "UNAUTHORISED_ABSENT",
    "ABSENT",
    "NOT_POSSIBLE",
    "NO_MARK",
    "UNKNOWN",
)

CHECKS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "schools": (
        ("BAD_VALUE", _other_than("s.missing_mark_policy", "EXCLUDE", "PRESENT")),
        ("BAD_VALUE", _other_than("s.day_basis", "SESSIONS", "DAYS_50PCT")),
        ("BAD_VALUE", _other_than("s.sessions_per_day", "1", "2")),
        ("BAD_VALUE", "s.year_start is not null and s.year_start !~ '^(0[1-9]|1[0-2])-[0-3][0-9]$'"),
        (
            "BAD_VALUE",
            "s.timezone is not null and not exists (select from pg_timezone_names z where z.name = s.timezone)",
        ),
    ),
    "code_map": (("BAD_VALUE", _other_than("s.status", *_STATUSES)),),
    "calendar": (
        ("BAD_DATE", _day("s.date")),
        ("UNKNOWN_SESSION", _other_than("s.session", "AM", "PM")),
        ("BAD_NUMBER", _number("s.minutes")),
        ("UNKNOWN_SCHOOL", _NO_SCHOOL),
    ),
    "classes": (("UNKNOWN_SCHOOL", _NO_SCHOOL),),
    "students": (("BAD_DATE", _birth("s.dob")), ("BAD_INSTANT", _instant("s.deleted_at"))),
    "student_merges": (),
    "student_attributes": (
        ("BAD_VALUE", "length(s.kind) > 40 or length(s.value) > 60"),
        ("UNKNOWN_STUDENT", _NO_STUDENT),
    ),
    "guardians": (),
    "student_guardians": (
        ("BAD_NUMBER", _number("s.priority")),
        *(("BAD_VALUE", _other_than(f"lower(s.{name})", "0", "1", "true", "false")) for name in ENTITLEMENTS),
        ("UNKNOWN_STUDENT", _NO_STUDENT),
        ("UNKNOWN_GUARDIAN", _NO_GUARDIAN),
    ),
    "enrolments": (
        ("BAD_DATE", _day("s.start_date")),
        ("BAD_DATE", _day("s.end_date")),
        ("BAD_VALUE", _other_than("s.attends", "AM|PM", "PM|AM", "AM", "PM")),
        ("BAD_VALUE", _other_than("s.registration", "MAIN", "SUBSIDIARY", "GUEST")),
        ("UNKNOWN_SCHOOL", _NO_SCHOOL),
        ("UNKNOWN_STUDENT", _NOT_LISTED),
    ),
    "marks": (
        ("BAD_DATE", "s.date not between date '2000-01-01' and date '2100-12-31'"),
        ("UNKNOWN_SESSION", _other_than("s.session", "AM", "PM", "DAY")),
        ("BAD_NUMBER", "s.minutes_missed not between 0 and 9999"),
        ("UNKNOWN_SCHOOL", _NO_SCHOOL),
        ("UNKNOWN_STUDENT", _NO_STUDENT),
    ),
}


def _missing(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple(("MISSING_VALUE", f"s.{name} is null") for name in REQUIRED[kind] if name != "code")


AS_TEXT: Mapping[str, str] = {
    # a protected attribute stands nowhere but in its own table, whatever is wrong with the row
    "student_attributes": " - 'value'",
    "marks": """ - 'row_key' - 'repeated' || jsonb_build_object('deleted', initcap(coalesce(deleted, false)::text),
        'recorded_at', to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS+00:00'),
        'minutes_missed', minutes_missed::text)""",
}


def set_aside(kind: str) -> str:
    """Move the rows that cannot be taken in to the quarantine, each with the first thing wrong with it, and advice."""
    checks = (*_missing(kind), *CHECKS[kind])
    problem = "case " + " ".join(f"when {condition} then '{name}'" for name, condition in checks) + " end"
    return f"""
with bad as (
    delete from stage_{kind} s where {problem} is not null returning s.*, {problem} as problem
)
insert into quarantine_row (import_id, kind, line, problem, detail, row)
select :import_id, '{kind}', line, problem, cast(:advice as jsonb) ->> problem,
    jsonb_strip_nulls(to_jsonb(bad) - 'line' - 'problem'{AS_TEXT.get(kind, "")})
from bad
"""
