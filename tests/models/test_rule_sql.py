"""Metrics and trees in SQL equal the reference, for random registers on a real PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from models.queries import nightly
from models.queries.decisions import decision_query
from models.queries.metrics import ENROLLED, LISTED, metric_query
from rules.attendance.history import History, ResolvedSession
from rules.errors import Invalid
from rules.rulesets.comparisons import FactKey
from rules.rulesets.decision import rules_of
from rules.rulesets.evaluation import Bitmap, evaluate
from rules.rulesets.measuring import measure, measures
from rules.rulesets.metrics import MetricKey
from rules.rulesets.ruleset import PACKS, load_pack, parse_ruleset
from tests.models.partitions import partitioned
from tests.rules.rulesets.generating import (
    EVALUATION_DAYS,
    STEP_DAYS,
    attending_elsewhere,
    fact_values,
    keys,
    metric_values,
    rulesets,
    schools_of_students,
)
from tests.rules.rulesets.near import near
from tests.rules.rulesets.test_measuring import register
from tests.servers.kinds import Database

pytestmark = pytest.mark.servers
KNOWN_AT = datetime(2026, 11, 21, 18, tzinfo=UTC)
GENERAL = load_pack("general")
REAL = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


class Tables:
    """One transaction of the application role, undone after every example."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def school(self, histories: list[History]) -> tuple[UUID, UUID, list[UUID]]:
        """A tenant with one school and its students, as the import leaves them."""
        tenant = self._row("insert into tenant (key, name) values (:key, 'T') returning id", key=str(uuid4()))
        self._run("select set_config('app.current_tenant', :tenant, true)", tenant=str(tenant))
        month, first = histories[0].school.year_start
        school = self._row(
            "insert into school (source_id, name, code_set, sessions_per_day, year_start, day_basis)"
            " values ('s', 'S', :codes, :per_day, :year, :basis) returning id",
            codes=histories[0].school.code_set,
            per_day=histories[0].school.sessions_per_day,
            year=f"{month:02}-{first:02}",
            basis=str(histories[0].school.day_basis),
        )
        open_sessions = [
            {"school": school, "day": day, "session": session}
            for day in histories[0].calendar.open_days
            for session in ("AM", "PM")
        ]
        self.connection.execute(
            text("insert into calendar_session (school_id, date, session) values (:school, :day, :session)"),
            open_sessions,
        )
        students = [self._student(school, number, history) for number, history in enumerate(histories)]
        self._elsewhere(dict(zip(students, histories, strict=True)))
        return tenant, school, students

    def _elsewhere(self, of: dict[UUID, History]) -> None:
        """A second school that some of them attend, under settings of its own that must not matter."""
        school = self._row(
            "insert into school (source_id, name, code_set, sessions_per_day, year_start, day_basis)"
            " values ('t', 'T', 'EDFI', 1, '09-15', 'SESSIONS') returning id"
        )
        for student, history in of.items():
            self._facts(student, school, history.elsewhere)

    def _student(self, school: UUID, number: int, history: History) -> UUID:
        student: UUID = self._row("insert into student (source_id) values (:n) returning id", n=str(number))
        self._run(
            "insert into enrolment (student_id, school_id, start_date) values (:student, :school, '2020-01-01')",
            student=student,
            school=school,
        )
        self._facts(student, school, history.sessions)
        return student

    def _facts(self, student: UUID, school: UUID, sessions: tuple[ResolvedSession, ...]) -> None:
        rows = [
            {
                "student": student,
                "school": school,
                "day": s.day,
                "session": str(s.session),
                "status": str(s.status),
                "code": s.code,
                "tardy": s.is_tardy,
                "minutes": s.minutes_missed,
            }
            for s in sessions
        ]
        if rows:
            self.connection.execute(
                text(
                    "insert into session_fact"
                    " (student_id, school_id, date, session, known_from, status, code, tardy, minutes_missed) values"
                    " (:student, :school, :day, :session, '-infinity', :status, :code, :tardy, :minutes)"
                ),
                rows,
            )

    def _run(self, sql: str, **params: Any) -> None:
        self.connection.execute(text(sql), params)

    def _row(self, sql: str, **params: Any) -> Any:
        return self.connection.execute(text(sql), params).scalar_one()


@pytest.fixture(scope="module")
def connection(database: Database) -> Iterator[Connection]:
    with partitioned(database, date(2026, 6, 15), date(2026, 8, 15)) as connection:
        yield connection


@pytest.fixture
def tables(connection: Connection) -> Iterator[Tables]:
    yield Tables(connection)
    connection.rollback()


@REAL
@given(
    schools_of_students().flatmap(attending_elsewhere),
    st.lists(keys(), min_size=6, max_size=14),
    EVALUATION_DAYS,
    st.data(),
)
def test_every_metric_in_sql_is_the_reference_metric(
    connection: Connection, histories: list[History], wanted: list[MetricKey], day: date, data: st.DataObject
) -> None:
    steps: list[date | None] = [data.draw(STEP_DAYS) for _ in histories]
    try:
        tenant, school, students = Tables(connection).school(histories)
        query = metric_query(wanted, subjects=LISTED)
        rows = connection.execute(
            text(query.sql),
            {
                **query.params,
                "tenant_id": tenant,
                "day": day,
                "known_at": KNOWN_AT,
                "students": students,
                "schools": [school] * len(students),
                "steps": steps,
            },
        ).mappings()
        found = {row["student_id"]: {key: row[name] for key, name in query.columns.items()} for row in rows}
    finally:
        connection.rollback()
    for student, history, step in zip(students, histories, steps, strict=True):
        expected = {key: measure(history, key, day, step=step) for key in set(wanted)}
        assert {str(k): v for k, v in found[student].items()} == {str(k): v for k, v in expected.items()}


@REAL
@given(rulesets(), st.data())
def test_every_condition_in_sql_is_the_reference_condition(
    connection: Connection, document: dict[str, Any], data: st.DataObject
) -> None:
    try:
        ruleset = parse_ruleset(document)
    except Invalid:
        return
    metric_names = {key: f"m{n}" for n, key in enumerate(ruleset.metric_keys())}
    fact_names = {key: f"f{n}" for n, key in enumerate(ruleset.fact_keys())}
    drawn = st.tuples(metric_values(ruleset.metric_keys()), fact_values(ruleset.fact_keys()))
    students = data.draw(st.lists(drawn, min_size=5, max_size=5))
    source = " union all ".join(
        _literal(n, {**m, **f}, {**metric_names, **fact_names}) for n, (m, f) in enumerate(students)
    )
    query = decision_query(ruleset, source, metric_names, facts=fact_names)
    rows = connection.execute(text(f"select * from ({query.sql}) q order by n")).mappings().all()
    connection.rollback()
    for row, (metrics, facts) in zip(rows, students, strict=True):
        assert row["entry"] is evaluate(ruleset.entry, metrics, facts)
        fired = tuple(rule.name for rule in rules_of(ruleset) if evaluate(rule.when, metrics, facts))
        assert query.fired(row["fired"]) == fired
        assert Bitmap(row["leaves_true"], row["leaves_known"]) == Bitmap.of(ruleset.metric_leaves(), metrics)


@pytest.mark.parametrize("name", PACKS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_condition_of_a_pack_in_sql_is_the_reference_condition(
    connection: Connection, name: str, data: st.DataObject
) -> None:
    pack = load_pack(name)
    metric_names = {key: f"m{n}" for n, key in enumerate(pack.metric_keys())}
    fact_names = {key: f"f{n}" for n, key in enumerate(pack.fact_keys())}
    students = data.draw(st.lists(near(pack), min_size=8, max_size=8))
    source = " union all ".join(
        _literal(n, {**m, **f}, {**metric_names, **fact_names}) for n, (m, f) in enumerate(students)
    )
    query = decision_query(pack, source, metric_names, facts=fact_names)
    rows = connection.execute(text(f"select * from ({query.sql}) q order by n")).mappings().all()
    connection.rollback()
    for row, (metrics, facts) in zip(rows, students, strict=True):
        assert row["entry"] is evaluate(pack.entry, metrics, facts)
        fired = [rule.name for rule in rules_of(pack) if evaluate(rule.when, metrics, facts)]
        fired += [f"watch:{watch.key}" for watch in pack.watch if evaluate(watch.when, metrics, facts)]
        assert [name for name in query.fired(row["fired"]) if not name.startswith("duty")] == fired
        assert Bitmap(row["leaves_true"], row["leaves_known"]) == Bitmap.of(pack.metric_leaves(), metrics)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _literal(n: int, values: dict[Any, int | None], names: dict[Any, str]) -> str:
    listed = ", ".join(f"cast({_number(values[key])} as int) as {name}" for key, name in names.items())
    return f"select {n} as n" + (f", {listed}" if listed else "")


def test_the_nightly_statement_takes_everybody_enrolled(tables: Tables) -> None:
    history = _absent_week()
    tenant, school, (student,) = tables.school([history])
    day = history.calendar.open_days[-1]
    query = metric_query(GENERAL.metric_keys(), subjects=ENROLLED)
    decided = decision_query(GENERAL, query.sql, query.columns)
    params = {**query.params, "tenant_id": tenant, "day": day, "known_at": KNOWN_AT, "schools": None}
    (row,) = tables.connection.execute(text(decided.sql), params).mappings()
    assert (row["student_id"], row["school_id"], row["entry"]) == (student, school, True)
    metrics = measures(history, GENERAL.metric_keys(), day)
    assert Bitmap(row["leaves_true"], row["leaves_known"]) == Bitmap.of(GENERAL.metric_leaves(), metrics)
    assert "stage:contact" in decided.fired(row["fired"])
    elsewhere = tables.connection.execute(text(decided.sql), {**params, "schools": [uuid4()]})
    assert elsewhere.all() == []


def test_what_was_not_known_then_does_not_count(tables: Tables) -> None:
    history = _absent_week()
    tenant, school, (student,) = tables.school([history])
    tables.connection.execute(text("update session_fact set known_from = :at"), {"at": KNOWN_AT})
    key = MetricKey.parse("absent_sessions/ytd/all")
    query = metric_query([key], subjects=LISTED)
    listed = {"students": [student], "schools": [school], "steps": [None]}
    params = {**query.params, **listed, "tenant_id": tenant, "day": history.calendar.open_days[-1]}

    def at(moment: datetime) -> int:
        rows = tables.connection.execute(text(query.sql), {**params, "known_at": moment}).mappings()
        found: int = next(rows)[query.columns[key]]
        return found

    assert [at(KNOWN_AT - timedelta(seconds=1)), at(KNOWN_AT)] == [0, 10]


@pytest.mark.parametrize(("across", "heard"), [("TENANT", 1), ("SCHOOL", 0)])
def test_a_correction_elsewhere_is_heard_where_a_metric_counts_across(tables: Tables, across: str, heard: int) -> None:
    here = register("// //")
    _, school, (student,) = tables.school([replace(here, elsewhere=here.sessions)])
    tables.connection.execute(
        text("update session_fact set known_from = :at where school_id <> :school"), {"at": KNOWN_AT, "school": school}
    )
    tables.connection.execute(
        text(
            "create temp table nightly_row on commit drop as select :student as student_id, :school as school_id,"
            " false as entry"
        ),
        {"student": student, "school": school},
    )
    entry = {"type": "UnauthorisedSessionsThreshold", "params": {"across": across}}
    ruleset = parse_ruleset({"key": "k", "title": "t", "entry": entry, "stages": [{"key": "a", "type": "CONTACT"}]})
    asked = {
        "day": here.calendar.open_days[-1] + timedelta(days=1),
        "earliest": here.calendar.open_days[0],
        "since": KNOWN_AT - timedelta(hours=1),
        "known_at": KNOWN_AT,
        "key": "k",
    }
    found = tables.connection.execute(text(nightly.reaching(ruleset, nightly.CORRECTED)), asked).all()
    assert len(found) == heard


def test_a_step_that_counts_from_a_later_day_looks_back_from_there(tables: Tables) -> None:
    """A posted letter's effective day lies days after the evaluation date, weeks where a holiday is between."""
    history = register("// // // // // " * 4)
    tenant, school, (student,) = tables.school([history])
    day, step = history.calendar.open_days[4], history.calendar.open_days[-1]
    key = MetricKey.parse("attended_sessions/school:1@before_step")
    query = metric_query([key], subjects=LISTED)
    listed = {"students": [student], "schools": [school], "steps": [step]}
    params = {**query.params, **listed, "tenant_id": tenant, "day": day, "known_at": KNOWN_AT}
    (row,) = tables.connection.execute(text(query.sql), params).mappings()
    assert row[query.columns[key]] == measure(history, key, day, step=step) == 2


def test_a_fact_without_a_column_is_unknown(connection: Connection) -> None:
    query = decision_query(GENERAL, "select 10 as m0", {GENERAL.metric_keys()[0]: "m0"})
    (row,) = connection.execute(text(query.sql)).mappings()
    connection.rollback()
    assert (row["entry"], query.fired(row["fired"])[0]) == (True, "stage:contact")
    assert FactKey.parse("exemption") in GENERAL.fact_keys()


def _absent_week() -> History:
    return register("OO OO OO OO OO")
