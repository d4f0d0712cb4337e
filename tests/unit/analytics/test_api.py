from aias_services.analytics.api import WAIT_SECONDS


def test_a_read_gives_up_waiting_for_the_database_within_a_second() -> None:
    assert WAIT_SECONDS < 1
