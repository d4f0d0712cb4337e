from __future__ import annotations

import random
from collections import Counter

from aias_core.routing.choice import OPEN_SECONDS, Balancer
from aias_core.routing.registry import Backend

A, B = Backend("a", "http://a", 300), Backend("b", "http://b", 100)


class Clock:
    now = 0.0


def make_balancer() -> Balancer:
    return Balancer(random.Random(1), lambda: Clock.now)


def fail(balancer: Balancer, name: str, *, refused: bool = False) -> None:
    balancer.began(name)
    balancer.ended(name, failed=True, refused=refused)


def choices(balancer: Balancer, count: int = 200) -> Counter[str]:
    return Counter(chosen.name for _ in range(count) if (chosen := balancer.choose([A, B])))


def test_traffic_follows_the_weights() -> None:
    counts = choices(make_balancer(), 4000)
    assert 0.70 < counts["a"] / 4000 < 0.80


def test_the_less_busy_of_two_wins() -> None:
    balancer = make_balancer()
    for _ in range(50):
        balancer.began("a")
    assert choices(balancer)["b"] > 60


def test_a_refused_connection_opens_the_breaker_at_once_and_it_is_tried_again_later() -> None:
    balancer = make_balancer()
    fail(balancer, "a", refused=True)
    assert set(choices(balancer)) == {"b"}
    Clock.now += OPEN_SECONDS
    assert "a" in choices(balancer)
    balancer.began("a")
    balancer.ended("a", failed=False)
    assert choices(balancer)["a"] > 100
    Clock.now = 0.0


def test_a_half_open_breaker_lets_one_request_through() -> None:
    balancer = make_balancer()
    fail(balancer, "a", refused=True)
    Clock.now += OPEN_SECONDS
    assert balancer.choose([A])
    assert balancer.choose([A]) is None
    Clock.now = 0.0


def test_three_failures_in_a_row_open_the_breaker_two_do_not() -> None:
    balancer = make_balancer()
    fail(balancer, "a")
    fail(balancer, "a")
    assert "a" in choices(balancer)
    fail(balancer, "a")
    assert "a" not in choices(balancer)


def test_a_backend_is_never_tried_twice_for_one_request() -> None:
    assert make_balancer().choose([A, B], ["a", "b"]) is None
