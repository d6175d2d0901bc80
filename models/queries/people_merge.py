"""Set-based merges of schools, classes, students and guardians from staging; repeating one changes nothing."""

SCHOOLS = """
insert into school as h (source_id, name, phase, timezone, code_set, missing_mark_policy, sessions_per_day, year_start,
    day_basis)
select distinct on (school_id) school_id, coalesce(name, school_id), phase, coalesce(timezone, :timezone), code_set,
    coalesce(missing_mark_policy, 'EXCLUDE'), coalesce(sessions_per_day::int, 2), coalesce(year_start, '08-01'),
    coalesce(day_basis, 'SESSIONS')
from stage_schools order by school_id, line desc
on conflict (tenant_id, source_id) do update set name = excluded.name, phase = excluded.phase,
    timezone = excluded.timezone, code_set = excluded.code_set, missing_mark_policy = excluded.missing_mark_policy,
    sessions_per_day = excluded.sessions_per_day, year_start = excluded.year_start, day_basis = excluded.day_basis
where (h.name, h.phase, h.timezone, h.code_set, h.missing_mark_policy, h.sessions_per_day, h.year_start, h.day_basis)
    is distinct from (excluded.name, excluded.phase, excluded.timezone, excluded.code_set,
        excluded.missing_mark_policy, excluded.sessions_per_day, excluded.year_start, excluded.day_basis)
returning h.id
"""

CLASSES = """
insert into school_class as c (source_id, school_id, year_group, name)
select distinct on (s.class_id) s.class_id, h.id, s.year_group, coalesce(s.name, s.class_id)
from stage_classes s join school h on h.source_id = s.school_id order by s.class_id, s.line desc
on conflict (tenant_id, source_id) do update set school_id = excluded.school_id, year_group = excluded.year_group,
    name = excluded.name
"""

STUDENTS = """
insert into student as t (source_id, first_name, last_name, dob, year_group, class_id, home_language, deleted_at)
select distinct on (s.student_id) s.student_id, s.first_name, s.last_name, s.dob::date, s.year_group, c.id,
    s.home_language,
    cast(s.deleted_at as timestamptz)
from stage_students s left join school_class c on c.source_id = s.class_id order by s.student_id, s.line desc
on conflict (tenant_id, source_id) do update set first_name = excluded.first_name, last_name = excluded.last_name,
    dob = excluded.dob, year_group = excluded.year_group, class_id = excluded.class_id,
    home_language = excluded.home_language, deleted_at = excluded.deleted_at
"""

# The folder says only that a student is exempt: staff add kind and review date.
EXEMPTIONS = """
insert into exemption (student_id, scope, kind, reason, starts_on)
select t.id, 'stop', 'IMPORTED', 'exempt in the imported student list', :today
from stage_students s join student t on t.source_id = s.student_id
where lower(s.exempt) in ('1', 'true') and not exists (
    select from exemption e where e.student_id = t.id and e.kind = 'IMPORTED' and e.withdrawn_at is null)
"""

WITHDRAW_EXEMPTIONS = """
update exemption e set withdrawn_at = :now
from stage_students s join student t on t.source_id = s.student_id
where e.student_id = t.id and e.kind = 'IMPORTED' and e.withdrawn_at is null
    and lower(coalesce(s.exempt, '0')) not in ('1', 'true')
"""

# A student who is merged but not in the student list is still a student; where no list was ever read, so is one who is
# enrolled (staging.py sets the others aside).
STUBS = """
insert into student (source_id) select distinct u.id from ({source}) u(id) where u.id is not null
on conflict (tenant_id, source_id) do nothing
"""
STUBS_OF_ENROLMENTS = STUBS.format(source="select student_id from stage_enrolments")
STUBS_OF_MERGES = STUBS.format(
    source="select old_id from stage_student_merges union select new_id from stage_student_merges"
)

GUARDIANS = """
insert into guardian as g (source_id, name, language, preferred_channel, email, phone, address, opted_out_channels,
    unreachable)
select distinct on (guardian_id) guardian_id, coalesce(name, guardian_id), language, preferred_channel, email, phone,
    address, coalesce(to_jsonb(string_to_array(opted_out_channels, '|')), '[]'),
    lower(coalesce(unreachable, '0')) in ('1', 'true')
from stage_guardians order by guardian_id, line desc
on conflict (tenant_id, source_id) do update set name = excluded.name, language = excluded.language,
    preferred_channel = excluded.preferred_channel, email = excluded.email, phone = excluded.phone,
    address = excluded.address, opted_out_channels = excluded.opted_out_channels, unreachable = excluded.unreachable
"""

# Unknown stays unknown: hold and ask, never send. On a link that exists already an import may take an entitlement
# away but never give one: two people confirm what widens access (safeguards.md section 2).
LINKS = """
with told as (
    select distinct on (t.id, g.id) t.id as student_id, g.id as guardian_id, s.relation, s.priority::int,
        s.legal_responsibility::boolean as responsible, s.lives_with::boolean as home,
        s.receives_letters::boolean as letters
    from stage_student_guardians s
    join student t on t.source_id = s.student_id
    join guardian g on g.source_id = s.guardian_id
    order by t.id, g.id, s.line desc
)
insert into guardian_link as l (student_id, guardian_id, relationship, priority, parental_responsibility, lives_with,
    may_receive_letters, may_use_portal, may_attend_meetings, may_receive_calls)
select student_id, guardian_id, relation, priority, responsible, home, letters,
    responsible and letters, responsible and letters, responsible and letters
from told
on conflict (tenant_id, student_id, guardian_id, valid_from) do update set relationship = excluded.relationship,
    priority = excluded.priority, lives_with = excluded.lives_with,
    parental_responsibility = l.parental_responsibility and coalesce(excluded.parental_responsibility, true),
    may_receive_letters = l.may_receive_letters and coalesce(excluded.may_receive_letters, true),
    may_use_portal = l.may_use_portal and coalesce(excluded.may_use_portal, true),
    may_attend_meetings = l.may_attend_meetings and coalesce(excluded.may_attend_meetings, true),
    may_receive_calls = l.may_receive_calls and coalesce(excluded.may_receive_calls, true)
"""
