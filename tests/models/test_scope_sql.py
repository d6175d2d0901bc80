"""A rule set's scope in the nightly pass's SQL is the reference scope, for random students on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from models.queries.nightly import SCHEDULED, scoped
from rules.rulesets.model import Scope
from rules.rulesets.scope import StudentAtSchool, reaches
from tests.models.partitions import partitioned
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
SCHOOLS = tuple(uuid4() for _ in range(3))
YEARS = ("R", "5", "6", "05")
DAYS = st.sampled_from([date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 29), date(2026, 9, 1), date(2026, 12, 31)])
BORN = st.one_of(
    st.none(),
    st.dates(date(2004, 1, 1), date(2029, 1, 1)),
    st.builds(
        lambda year, at: date(year, *at),
        st.sampled_from([2012, 2016, 2020]),
        st.sampled_from([(2, 29), (3, 1), (9, 1)]),
    ),
)
STUDENTS = st.builds(StudentAtSchool, st.sampled_from(SCHOOLS), st.sampled_from([*YEARS, None]), BORN)
AGE = st.integers(0, 30)
SCOPES = st.builds(
    Scope,
    schools=st.none() | st.lists(st.sampled_from(SCHOOLS), unique=True, max_size=2).map(tuple),
    year_groups=st.none() | st.lists(st.sampled_from(YEARS), unique=True, max_size=3).map(tuple),
    ages=st.none() | st.tuples(AGE, AGE),
)


@pytest.fixture(scope="module")
def connection(database: Database) -> Iterator[Connection]:
    with partitioned(database, date(2026, 6, 15), date(2028, 2, 15)) as connection:
        yield connection


def enrol(connection: Connection, drawn: list[StudentAtSchool], day: date) -> tuple[UUID, list[UUID]]:
    """A tenant whose schools are all open on the day, and the ids of its students in order."""
    made = connection.execute(
        text("insert into tenant (key, name) values (:key, 'T') returning id"), {"key": str(uuid4())}
    )
    tenant: UUID = made.scalar_one()
    connection.execute(text("select set_config('app.current_tenant', :tenant, true)"), {"tenant": str(tenant)})
    schools = [{"id": one, "name": str(one), "day": day} for one in SCHOOLS]
    connection.execute(
        text("insert into school (id, source_id, name, code_set) values (:id, :name, :name, 'UK')"), schools
    )
    connection.execute(
        text("insert into calendar_session (school_id, date, session) values (:id, :day, 'AM')"), schools
    )
    ids = [uuid4() for _ in drawn]
    rows = [
        {"id": one_id, "n": str(n), "year": one.year_group, "dob": one.birth_date, "school": one.school_id, "day": day}
        for n, (one_id, one) in enumerate(zip(ids, drawn, strict=True))
    ]
    connection.execute(text("insert into student (id, source_id, year_group, dob) values (:id, :n, :year, :dob)"), rows)
    connection.execute(
        text("insert into enrolment (student_id, school_id, start_date) values (:id, :school, :day)"), rows
    )
    return tenant, ids


@settings(max_examples=60)
@given(st.lists(STUDENTS, min_size=1, max_size=12), SCOPES, DAYS)
@example([StudentAtSchool(SCHOOLS[0], "5", None)], Scope(year_groups=()), date(2026, 9, 1))
@example([StudentAtSchool(SCHOOLS[0], "5", date(2026, 12, 1))], Scope(ages=(0, 5)), date(2026, 9, 1))
@example([StudentAtSchool(SCHOOLS[0], "5", date(2012, 2, 29))], Scope(ages=(14, 14)), date(2026, 2, 28))
def test_who_is_scheduled_in_sql_is_who_the_reference_reaches(
    connection: Connection, drawn: list[StudentAtSchool], scope: Scope, day: date
) -> None:
    try:
        tenant, students = enrol(connection, drawn, day)
        given_ = {"tenant_id": tenant, "day": day, "schools": list(SCHOOLS), **scoped(scope)}
        found = set(connection.execute(text(SCHEDULED), given_).scalars())
    finally:
        connection.rollback()
    assert found == {student for student, one in zip(students, drawn, strict=True) if reaches(scope, one, day)}
