# ruff: noqa: DTZ001 (a calendar is written by the wall clock)
"""Business days in Quebec, the payer's cut-offs and statements, and who has gone silent."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.calendars import (
    Calendar,
    Habit,
    Period,
    day_before,
    day_of,
    holidays,
    is_business,
    learned,
    load,
    next_business,
    quiet,
    wall,
)
from gateway.errors import ConfigError

CYCLE = Calendar(
    payer="sandbox", cut_off=datetime(2026, 1, 7, 16), every_days=14, statement_after_days=9, payment_after_days=1
)


@pytest.mark.parametrize(
    ("day", "named"),
    [
        (date(2026, 1, 1), "New Year's Day"),
        (date(2026, 4, 3), "Good Friday"),
        (date(2026, 5, 18), "National Patriots' Day"),
        (date(2026, 6, 24), "Saint Jean Baptiste Day"),
        (date(2026, 7, 1), "Canada Day"),
        (date(2026, 9, 7), "Labour Day"),
        (date(2026, 10, 12), "Thanksgiving Day"),
        (date(2026, 12, 25), "Christmas Day"),
    ],
)
def test_quebec_keeps_eight_holidays_and_nobody_works_on_them(day: date, named: str) -> None:
    assert named in holidays(2026)[day]["en"]
    assert holidays(2026)[day]["fr"] != holidays(2026)[day]["en"]
    assert len(holidays(2026)) == 8
    assert not is_business(day)


def test_what_other_provinces_keep_is_a_business_day() -> None:
    assert is_business(date(2026, 9, 30))
    assert is_business(date(2026, 2, 16))  # Family Day in Ontario


def test_a_business_day_is_found_in_both_directions_and_around_closed_days() -> None:
    christmas = date(2026, 12, 25)
    assert next_business(christmas) == date(2026, 12, 28)
    assert day_before(christmas, {date(2026, 12, 24)}) == date(2026, 12, 23)
    assert next_business(date(2026, 12, 23)) == date(2026, 12, 23)


@pytest.mark.parametrize(
    ("day", "at", "utc"),
    [
        (date(2026, 1, 7), time(16), datetime(2026, 1, 7, 21, tzinfo=UTC)),
        (date(2026, 7, 8), time(16), datetime(2026, 7, 8, 20, tzinfo=UTC)),
        (date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),  # left out in spring: 03:30 there
        (date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # twice in autumn: the first
    ],
)
def test_the_wall_clock_in_toronto_follows_daylight_saving(day: date, at: time, utc: datetime) -> None:
    assert wall(day, at) == utc


def test_the_day_is_torontos_not_the_machines() -> None:
    assert day_of(datetime(2026, 3, 1, 4, 59, tzinfo=UTC)) == date(2026, 2, 28)
    assert day_of(datetime(2026, 7, 1, 4, 0, tzinfo=UTC)) == date(2026, 7, 1)


# -- the payer's periods --


def test_what_arrives_at_the_cut_off_counts_and_a_second_later_does_not() -> None:
    cut_off = wall(date(2026, 1, 21), time(16))
    assert CYCLE.counts(cut_off) == Period(cut_off, date(2026, 1, 30), date(2026, 2, 2), "reconstructed")
    assert CYCLE.counts(cut_off + timedelta(seconds=1)).cut_off == wall(date(2026, 2, 4), time(16))


def test_a_cut_off_keeps_its_hour_when_the_clocks_change() -> None:
    hours = {(p.cut_off.hour, p.statement.month) for p in CYCLE.between(date(2026, 2, 1), date(2026, 4, 30))}
    assert {hour for hour, _ in hours} == {20, 21}  # 16:00 there
    moved = [day_of(p.cut_off) for p in CYCLE.between(date(2026, 1, 1), date(2026, 11, 30))]
    assert [day for day in moved if day.weekday() != 2] == [date(2026, 6, 23)]  # the 24th is a holiday


def test_a_cut_off_on_a_holiday_comes_before_it_and_a_statement_after_it() -> None:
    july = CYCLE.model_copy(update={"cut_off": datetime(2026, 7, 1, 16), "statement_after_days": 68})
    period = july.counts(wall(date(2026, 6, 30), time(15)))
    assert period.cut_off == wall(date(2026, 6, 30), time(16))
    assert period.statement == date(2026, 9, 8)  # Labour Day is the 7th


def test_known_periods_are_taken_as_they_are_and_the_cycle_goes_on_from_the_last() -> None:
    row = {"cut_off": datetime(2026, 11, 24, 12), "statement": date(2026, 12, 3), "authority": "official"}
    known = Calendar.model_validate(CYCLE.model_dump(exclude={"periods"}) | {"period": [row]})
    exact = known.counts(wall(date(2026, 11, 24), time(11)))
    assert (exact.cut_off, exact.statement, exact.confirmed) == (
        wall(date(2026, 11, 24), time(12)), date(2026, 12, 3), True,
    )  # fmt: skip
    later = known.counts(wall(date(2026, 11, 24), time(13)))
    assert (day_of(later.cut_off), later.confirmed) == (date(2026, 12, 8), False)
    before = known.counts(wall(date(2026, 11, 10), time(9)))
    assert (day_of(before.cut_off), before.confirmed) == (date(2026, 11, 10), False)


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(2018, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.integers(1, 40),
    st.integers(0, 30),
)
def test_a_moment_counts_for_the_nearest_cut_off_that_is_not_before_it(at: datetime, every: int, after: int) -> None:
    calendar = CYCLE.model_copy(update={"every_days": every, "statement_after_days": after})
    period = calendar.counts(at)
    assert at <= period.cut_off <= at + timedelta(days=every + 12)
    assert calendar.counts(period.cut_off) == period
    assert period in calendar.between(period.statement, period.statement)
    assert is_business(period.statement)


def test_the_expected_statement_is_the_last_that_had_its_business_day_more() -> None:
    friday = date(2026, 1, 30)
    assert CYCLE.expected(friday + timedelta(days=3)) != CYCLE.expected(
        friday + timedelta(days=4)
    )  # Monday is its day more
    late = CYCLE.expected(friday + timedelta(days=4))
    assert late is not None
    assert late.statement == friday


def test_the_shipped_calendar_says_that_it_is_reconstructed_and_the_operators_takes_its_place(tmp_path: Path) -> None:
    shipped = load(tmp_path)
    assert not shipped.of("anybody").counts(datetime(2026, 11, 22, tzinfo=UTC)).confirmed
    (tmp_path / "calendar.toml").write_text(
        """
        calendar_version = 1
        [[calendar]]
        payer = "ramq"
        cut_off = 2026-01-08T12:00:00
        statement_after_days = 8
        [[calendar.period]]
        cut_off = 2026-11-26T12:00:00
        statement = 2026-12-04
        authority = "official"
        [[rhythm]]
        agency = "Agence Alpha"
        weekdays = ["mon", "fri"]
        by = 17:00:00
        """,
        encoding="utf-8",
    )
    own = load(tmp_path)
    assert own.of("ramq").counts(datetime(2026, 11, 22, tzinfo=UTC)).statement == date(2026, 12, 4)
    assert own.of("sandbox") == shipped.of("sandbox")
    assert own.rhythms["Agence Alpha"].by == time(17)


def test_a_wrong_calendar_is_named_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(
        '[[calendar]]\npayer = "x"\ncut_off = 2026-01-08T12:00:00Z\nstatement_after_days = 8\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"calendar\[1\].cut_off"):
        load(tmp_path)


# -- nothing came --

MONDAY = date(2026, 10, 5)


def weeks(days: set[int], count: int, at: time = time(10)) -> list[datetime]:
    """An arrival on these weekdays of that many weeks, from MONDAY on, holidays left out."""
    each = (MONDAY + timedelta(days=n) for n in range(7 * count))
    return [wall(day, at) for day in each if day.weekday() in days and day not in holidays(day.year)]


def test_a_habit_is_learned_from_what_came() -> None:
    habit = learned(weeks({0, 2, 4}, 6), wall(date(2026, 11, 16), time(9)))
    assert habit == Habit(frozenset({0, 2, 4}), time(11), learned=True)


def test_a_holiday_without_a_lot_does_not_spoil_the_habit_nor_is_it_missed() -> None:
    arrivals = weeks({0}, 5)  # Thanksgiving, the 12th, is among them
    habit = learned(arrivals, wall(date(2026, 11, 9), time(9)))
    assert habit is not None
    assert habit.weekdays == {0}
    assert quiet([wall(date(2026, 10, 5), time(10))], habit, wall(date(2026, 10, 13), time(9))) is None


def test_three_lots_at_random_are_no_habit() -> None:
    arrivals = [wall(date(2026, 10, day), time(9)) for day in (6, 15, 29)]
    assert learned(arrivals, wall(date(2026, 11, 16), time(9))) is None
    assert learned([], wall(date(2026, 11, 16), time(9))) is None


def test_silence_is_told_after_the_usual_hour_and_not_before() -> None:
    arrivals = weeks({0, 2, 4}, 6)  # until Friday, 13 November
    habit = learned(arrivals, wall(date(2026, 11, 16), time(9)))
    assert habit is not None
    assert quiet(arrivals, habit, wall(date(2026, 11, 16), time(10, 59))) is None
    told = quiet(arrivals, habit, wall(date(2026, 11, 16), time(11, 1)))
    assert told is not None
    assert (told.first_missed, told.days) == (date(2026, 11, 16), 1)
    later = quiet(arrivals, habit, wall(date(2026, 11, 20), time(12)))
    assert later is not None
    assert (later.first_missed, later.days) == (date(2026, 11, 16), 3)


def test_who_never_deposited_is_missed_on_a_set_day_only() -> None:
    habit = Habit(frozenset({0}), time(18), learned=False)
    assert quiet([], habit, wall(date(2026, 11, 15), time(19))) is None
    told = quiet([], habit, wall(date(2026, 11, 16), time(19)))
    assert told is not None
    assert told.last is None


def test_a_set_rhythm_at_the_weekend_is_expected_there() -> None:
    saturday = Habit(frozenset({5}), time(18), learned=False)
    assert quiet([wall(date(2026, 11, 7), time(9))], saturday, wall(date(2026, 11, 14), time(19))) is not None
