import pytest
from hypothesis import given
from hypothesis import strategies as st

from aias_core.money import Price, format_pico, parse_amount, per_million


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_an_amount_survives_being_written_and_read(pico: int) -> None:
    assert parse_amount(format_pico(pico)) == pico


def test_29_cents_stay_29_cents() -> None:
    assert format_pico(parse_amount("0.29")) == "0.290000000000"


def test_an_amount_that_would_need_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="twelve places"):
        parse_amount("0.0000000000001")


def test_cached_input_is_priced_by_itself() -> None:
    price = Price("p", "USD", input_pico=150_000, cached_input_pico=75_000, output_pico=600_000, request_pico=7)
    assert (
        price.cost_pico(input_tokens=100, cached_input_tokens=40, output_tokens=10) == 9_000_000 + 3_000_000 + 6_000_007
    )


@pytest.mark.parametrize(("pico", "shown"), [(150_000, "0.15"), (2_500_000, "2.50"), (0, "0.00"), (1, "0.000001")])
def test_a_price_is_shown_per_million_tokens(pico: int, shown: str) -> None:
    assert per_million(pico) == shown
