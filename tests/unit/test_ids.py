from datetime import UTC, datetime, timedelta

from aias_core import clock, ids


def test_ids_rise_and_carry_their_instant() -> None:
    made = [ids.new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert abs(ids.instant_of(made[-1]) - clock.now()) < timedelta(seconds=5)
    assert {identifier.version for identifier in made} == {7}


def test_the_lowest_id_of_an_instant_bounds_the_ids_after_it() -> None:
    at = datetime(2026, 10, 1, tzinfo=UTC)
    assert ids.lowest_id_at(at).hex.endswith("0" * 20)
    assert ids.lowest_id_at(clock.now() - timedelta(seconds=1)) < ids.new_id()
