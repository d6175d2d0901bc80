"""The demo district: repeatable, ends yesterday in every month, calibrated, and its stories hold."""

import unicodedata
from collections import Counter
from datetime import date, timedelta
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from deploy.local.demo.term_dates import district_dates, easter_sunday, school_dates, school_year
from deploy.local.demo_district import LETTERS_FIRST, DemoDistrict, generate
from rules.errors import Invalid
from tests.deploy.district_reader import ABSENT, UNAUTHORISED, Written, entry_holds, final_codes, rows

# Saturdays, Mondays, holidays, first and last days of terms, and the middle of every month.
TODAYS = [date(2026, month, day) for month in range(1, 13) for day in (1, 16)] + [
    date(2026, 9, 2),
    date(2026, 9, 8),
    date(2026, 9, 14),
    date(2027, 1, 5),
    date(2027, 4, 13),
    date(2027, 7, 23),
    date(2028, 2, 29),
]
AUTUMN = date(2026, 11, 21)
# National year-to-date figures for 2025/26 (DfE, Pupil attendance in schools; dfe-analytical-services/
# attendance-data-dashboard, data/EES_ytd_data.csv of 2026-07-23): absence, unauthorised absence, illness and lateness
# in per cent of possible sessions, persistent absentees (10 % or more) in per cent of students.
PUBLISHED = {
    "primary": {"absent": 5.28, "unauthorised": 1.55, "illness": 2.79, "late": 1.12, "persistent": 13.77},
    "secondary": {"absent": 8.49, "unauthorised": 3.27, "illness": 3.63, "late": 2.79, "persistent": 23.77},
    "special": {"absent": 13.17, "unauthorised": 3.60, "illness": 5.02, "late": 0.77, "persistent": 36.06},
}
# Relative tolerance; the special school is small (4 % of students), so its figures move more.
TOLERANCE = {"primary": 0.15, "secondary": 0.15, "special": 0.35}


@pytest.fixture(scope="module")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> DemoDistrict:
    return generate(tmp_path_factory.mktemp("autumn"), today=AUTUMN, seed=7)


@pytest.fixture(scope="module")
def whole_year(tmp_path_factory: pytest.TempPathFactory) -> Written:
    found = generate(tmp_path_factory.mktemp("year"), today=date(2026, 7, 25), students=2_000, seed=3)
    return Written(found.folder)


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.csv")
    }


def test_the_same_seed_and_day_give_the_same_bytes_and_another_seed_does_not(
    autumn: DemoDistrict, tmp_path: Path
) -> None:
    again = generate(tmp_path / "again", today=AUTUMN, seed=7)
    other = generate(tmp_path / "other", today=AUTUMN, seed=8)
    assert fingerprint(again.folder) == fingerprint(autumn.folder)
    assert fingerprint(other.folder)["marks.csv"] != fingerprint(autumn.folder)["marks.csv"]


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_history_reaches_back_120_school_days_and_the_calendar_on_to_the_end_of_the_year(today: date) -> None:
    dates = district_dates(today)
    for number in range(10):
        school = school_dates(dates, number)
        assert len(school.past) >= 120
        assert school.past[-1] == dates.last_school_day < today
        assert not [day for day in school.days if day.weekday() >= 5]
        this_year = [day for day in school.past if day >= dates.year_first_day]
        assert len(this_year) >= 8, "a year that has just begun cannot reach any threshold"
        planned = school.days[len(school.past) :]
        assert len(planned) > 50, "six follow-up weeks and two waits must find school days"
        assert (planned[-1].month, planned[-1].day) >= (7, 15)


@pytest.mark.parametrize("today", TODAYS, ids=str)
def test_terms_have_their_holidays_and_five_inset_days(today: date) -> None:
    dates = district_dates(today)
    days = set(dates.teaching_days)
    for year in {school_year(day) for day in days}:
        easter = easter_sunday(year + 1)
        closed = {date(year, 12, 25), date(year + 1, 1, 1), easter - timedelta(days=2), easter + timedelta(days=1)}
        assert not days & closed
    first, second = (school_dates(dates, number).days for number in (0, 1))
    assert set(first) != set(second), "schools place their INSET days differently"
    whole = school_year(dates.teaching_days[-1])
    full = [day for day in dates.teaching_days if school_year(day) == whole]
    taught = [day for day in first if school_year(day) == whole]
    assert len(full) - len(taught) in {4, 5}
    assert 183 <= len(full) <= 198


@pytest.mark.parametrize(
    ("year", "easter"), [(2024, date(2024, 3, 31)), (2026, date(2026, 4, 5)), (2027, date(2027, 3, 28))]
)
def test_easter_is_where_the_almanac_has_it(year: int, easter: date) -> None:
    assert easter_sunday(year) == easter


@pytest.mark.slow
@pytest.mark.parametrize("today", sorted({*TODAYS[::3], *TODAYS[-7:]}), ids=str)
def test_marks_and_stories_hold_whatever_the_day(today: date, tmp_path: Path) -> None:
    district = generate(tmp_path, today=today, students=250, seed=5)
    written = Written(tmp_path)
    marks_are_sound(written, district)
    stories_hold(written, district)
    assert 12 <= len(written.queue(district.last_school_day)) <= 90


def test_marks_and_stories_hold_on_a_saturday_in_autumn(autumn: DemoDistrict) -> None:
    written = Written(autumn.folder)
    marks_are_sound(written, autumn)
    stories_hold(written, autumn)


def marks_are_sound(written: Written, district: DemoDistrict) -> None:
    open_sessions = {(row["school_id"], row["date"], row["session"]) for row in written.table("calendar")}
    spans = [
        (e["student_id"], e["school_id"], e["start_date"], e["end_date"] or "9") for e in written.table("enrolments")
    ]
    enrolled: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for student, school, first, last in spans:
        enrolled.setdefault((student, school), []).append((first, last))
    for mark in written.marks:
        assert (mark["school_id"], mark["date"], mark["session"]) in open_sessions
        assert mark["date"] <= mark["recorded_at"][:10] <= str(district.last_school_day)
        assert any(a <= mark["date"] <= b for a, b in enrolled[mark["student_id"], mark["school_id"]])
    recorded = [mark["recorded_at"][:10] for mark in written.marks]
    assert recorded == sorted(recorded)


def stories_hold(written: Written, district: DemoDistrict) -> None:
    today, school = district.last_school_day, district.letters_first_school
    earlier = max(day for day in written.codes[district.stories["crossing_today"][0], school] if day < today)
    entry = {
        (story, on): entry_holds(written.codes[student, school], on)
        for story, students in district.stories.items()
        for student in students
        for on in (earlier, today)
    }
    assert not entry["crossing_today", earlier]
    assert entry["crossing_today", today]
    assert not entry["near_miss", today]
    steady = set(district.stories) - {"crossing_today", "near_miss", "correction_pending"}
    assert all(entry[story, on] for story in steady for on in (earlier, today))
    assert entry["correction_pending", today]
    [pending] = district.stories["correction_pending"]
    corrected = final_codes(
        [m for m in written.marks if m["student_id"] == pending] + rows(district.correction_folder / "marks.csv")
    )
    assert not entry_holds(corrected[pending, school], today), "the correction to come takes the basis away"


def test_ids_are_unique_and_every_reference_resolves(autumn: DemoDistrict) -> None:
    written = Written(autumn.folder)
    ids: dict[str, set[str]] = {}
    for table, column in (
        ("schools", "school_id"), ("classes", "class_id"), ("students", "student_id"), ("guardians", "guardian_id"),
        ("staff", "person_id"), ("marks", "mark_id"),
    ):  # fmt: skip
        found = [row[column] for row in written.table(table)]
        assert len(found) == len(set(found)) == autumn.rows[table], table
        ids[column] = set(found)
    for table in ("enrolments", "marks", "student_guardians", "care_flags", "exemptions", "students", "classes"):
        for row in written.table(table):
            for column in ("school_id", "student_id", "guardian_id", "class_id"):
                assert column not in row or row[column] in ids[column], (table, row)
    linked = {row["student_id"] for row in written.table("student_guardians")}
    assert linked == ids["student_id"]


def test_some_corrections_come_days_later_and_say_who_and_why(autumn: DemoDistrict) -> None:
    amended = [mark for mark in Written(autumn.folder).marks if mark["recorded_by"]]
    lags = {(date.fromisoformat(mark["recorded_at"][:10]) - date.fromisoformat(mark["date"])).days for mark in amended}
    assert len(amended) > 100
    assert min(lags) >= 1
    assert max(lags) >= 7
    assert {mark["amend_reason"] for mark in amended} == {"Reason established"}


def shares(written: Written, phase: str) -> dict[str, float]:
    codes: Counter[str] = Counter()
    persistent = []
    for (_, school), days in written.codes.items():
        if written.phases[school] == phase:
            own = Counter(code for day in days.values() for code in day)
            absent = sum(own[code] for code in ABSENT)
            persistent.append(10 * absent >= own.total())
            codes += own
    total = codes.total() / 100
    return {
        "absent": sum(codes[code] for code in ABSENT) / total,
        "unauthorised": sum(codes[code] for code in UNAUTHORISED) / total,
        "illness": codes["I"] / total,
        "late": codes["L"] / total,
        "persistent": 100 * sum(persistent) / len(persistent),
    }


@pytest.mark.slow
@pytest.mark.parametrize("phase", list(PUBLISHED))
def test_a_whole_year_comes_out_as_published(whole_year: Written, phase: str) -> None:
    assert shares(whole_year, phase) == pytest.approx(PUBLISHED[phase], rel=TOLERANCE[phase])


@pytest.mark.slow
def test_illness_is_the_commonest_reason_and_winter_mondays_and_fridays_the_worst(whole_year: Written) -> None:
    codes: Counter[str] = Counter()
    by_weekday: Counter[int] = Counter()
    by_month: Counter[int] = Counter()
    possible_weekday: Counter[int] = Counter()
    possible_month: Counter[int] = Counter()
    for days in whole_year.codes.values():
        for day, found in days.items():
            absent = [code for code in found if code in ABSENT]
            codes.update(absent)
            by_weekday[day.weekday()] += len(absent)
            by_month[day.month] += len(absent)
            possible_weekday[day.weekday()] += len(found)
            possible_month[day.month] += len(found)
    assert codes.most_common(1)[0][0] == "I"
    weekday = [by_weekday[day] / possible_weekday[day] for day in range(5)]
    # Published for 8 to 12 September 2025, primary: 3.89, 3.63, 3.50, 3.64, 4.36 per cent.
    assert sorted(range(5), key=weekday.__getitem__)[-2:] == [0, 4]
    month = {number: by_month[number] / possible_month[number] for number in by_month}
    assert max(month, key=month.__getitem__) in {11, 12, 1}
    assert month[9] < month[12] * 0.8


def test_the_people_of_the_stories_are_as_told(autumn: DemoDistrict) -> None:
    written = Written(autumn.folder)
    guardians = {row["guardian_id"]: row for row in written.table("guardians")}
    links: dict[str, list[dict[str, str]]] = {}
    for row in written.table("student_guardians"):
        links.setdefault(row["student_id"], []).append(row | guardians[row["guardian_id"]])
    story = {name: links[students[0]] for name, students in autumn.stories.items()}

    mother, father = story["separated_parents"]
    assert (mother["address_confidential"], father["lives_with"]) == ("1", "0")
    assert mother["address"] != father["address"]
    assert mother["receives_letters"] == father["receives_letters"] == "1"
    assert all(not adult["email"] and adult["address"] for adult in story["no_email"])
    assert len({adult["email"] for adult in story["shared_email"]}) == 1 < len(story["shared_email"])
    assert all(adult["unreachable"] == "1" for adult in story["unreachable"])
    assert any(
        adult["legal_responsibility"] == adult["receives_letters"] == "0" for adult in story["no_responsibility"]
    )
    first, second = ({adult["guardian_id"] for adult in links[student]} for student in autumn.stories["siblings"])
    assert first == second
    flags = {row["student_id"]: row["kind"] for row in written.table("care_flags")}
    assert [flags.get(autumn.stories[name][0]) for name in ("care_flagged", "crossing_today")] == [
        "SOCIAL_WORKER",
        None,
    ]
    stops = {row["student_id"] for row in written.table("exemptions") if row["scope"] == "stop"}
    assert stops == set(autumn.stories["exempt"])


def test_one_primary_school_begins_with_letters_and_every_persona_is_there(autumn: DemoDistrict) -> None:
    written = Written(autumn.folder)
    sets = {row["school_id"]: row for row in written.table("rule_sets")}
    assert list(sets) == list(autumn.schools)
    assert [s for s, row in sets.items() if row["rule_set"] == LETTERS_FIRST] == [autumn.letters_first_school]
    assert sets[autumn.letters_first_school]["without_stage_type"] == "CONTACT"
    assert sorted(written.phases.values()) == ["primary", "primary", "primary", "secondary", "special"]
    roles = Counter(row["role"] for row in written.table("staff"))
    assert roles == {
        "district_admin": 1, "school_leader": 5, "attendance_officer": 2, "safeguarding_lead": 1, "specialist": 1,
        "auditor": 1, "dpo": 1, "liaison": 1, "inclusion_lead": 1, "teacher": 1, "facilitator": 1, "integration": 1,
        "external": 1, "student": 1, "guardian": 1,
    }  # fmt: skip


@pytest.mark.slow
def test_names_come_in_many_scripts_but_only_a_handful_cannot_be_drawn(whole_year: Written) -> None:
    drawable: set[int] = set()
    for package, file in (
        ("fontpkg-noto-sans", "NotoSans[wdth,wght].ttf"),
        ("fontpkg-noto-sans-arabic", "NotoSansArabic[wdth,wght].ttf"),
    ):
        [font] = [Path(str(path.locate())) for path in distribution(package).files or () if path.name == file]
        with TTFont(font) as face:
            drawable |= set(face.getBestCmap())
    names = [f"{row['first_name']} {row['last_name']}" for row in whole_year.table("students")]
    refused = [name for name in names if set(map(ord, name)) - drawable]
    assert 1 <= len(refused) <= 5
    scripts = {unicodedata.name(letter).split()[0] for name in names for letter in name if letter.isalpha()}
    assert {"LATIN", "CYRILLIC", "ARABIC", "CJK"} <= scripts
    adults = [row["name"] for row in whole_year.table("guardians")]
    assert sum(bool(set(map(ord, name)) - drawable) for name in adults) <= 3 * len(refused)


@pytest.mark.slow
def test_many_languages_are_spoken_at_home(whole_year: Written) -> None:
    languages = Counter(row["home_language"] for row in whole_year.table("students"))
    assert len(languages) >= 12
    assert 0.6 < languages["en"] / languages.total() < 0.85


def test_a_district_too_small_for_its_stories_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="choose 250 to 20000"):
        generate(tmp_path, today=AUTUMN, students=50)
