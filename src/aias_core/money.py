"""Exact amounts: integers of pico-units, 10⁻¹² of a currency's unit. No float ever holds money."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

PICO = 10**12
CENT = PICO // 100
TOKENS_PER_PRICE_UNIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """One row of the price table: whole pico-units per token and per request."""

    price_id: str
    currency: str
    input_pico: int
    cached_input_pico: int
    output_pico: int
    request_pico: int

    def cost_pico(self, input_tokens: int, cached_input_tokens: int, output_tokens: int) -> int:
        """The exact cost of one request; cached input is part of the input and priced by itself."""
        return (
            (input_tokens - cached_input_tokens) * self.input_pico
            + cached_input_tokens * self.cached_input_pico
            + output_tokens * self.output_pico
            + self.request_pico
        )


def format_pico(amount: int) -> str:
    """An amount with its twelve places, for example `-0.000000150000`."""
    whole, fraction = divmod(abs(amount), PICO)
    return f"{'-' if amount < 0 else ''}{whole}.{fraction:012d}"


def parse_amount(text: str) -> int:
    """The pico-units of a decimal text with at most twelve places. Raises ValueError when it would need rounding."""
    pico = Fraction(text) * PICO
    if pico.denominator != 1:
        raise ValueError(f"'{text}' has more than twelve places")
    return int(pico)


def round_to_cents(amount: int) -> str:
    """An amount rounded half to even to two places, for people; the exact one stands beside it."""
    return _format_cents(round(Fraction(amount, CENT)))


def _format_cents(cents: int) -> str:
    whole, fraction = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{fraction:02d}"


def per_million(pico_per_token: int) -> str:
    """The price of a million tokens in whole units, without trailing zeros, for example `0.15`."""
    text = format_pico(pico_per_token * TOKENS_PER_PRICE_UNIT)
    whole, fraction = text.split(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
