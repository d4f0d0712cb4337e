"""The rules of FOCUS 1.2 for the columns of a cost and usage file, as its specification words them.

https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, specification/columns and specification/attributes.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

Row: TypeAlias = "Mapping[str, str]"
"""A row of a CSV file; an empty cell is null."""

MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
NEVER_NULL = MANDATORY - {"ChargeClass", "PricingQuantity", "PricingUnit"} | {
    *("ChargeFrequency", "ServiceSubcategory", "PricingCurrency", "PricingCurrencyEffectiveCost"),
}
OF_USAGE = (
    *("PricingQuantity", "PricingUnit", "PricingCategory", "ConsumedQuantity", "ConsumedUnit", "SkuId", "SkuPriceId"),
    *("SkuMeter", "ListUnitPrice", "ContractedUnitPrice"),
    *("PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice"),
)
TOGETHER = (
    *(("PricingQuantity", "PricingUnit"), ("ConsumedQuantity", "ConsumedUnit"), ("RegionId", "RegionName")),
    *(("SubAccountId", "SubAccountName"), ("SubAccountId", "SubAccountType"), ("SkuPriceId", "SkuId")),
    *(("SkuPriceId", "SkuPriceDetails"),),
)
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"", "Standard", "Dynamic", "Committed", "Other"},
    "CommitmentDiscountStatus": {"", "Used", "Unused"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {
        *("Bots", "Generative AI", "Machine Learning", "Natural Language Processing"),
        "Other (AI and Machine Learning)",
    },
}
FORMATS = {
    r"-?\d+(\.\d+)?": r".*(Cost|Quantity|UnitPrice)",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": r"(Billing|Charge)Period(Start|End)",
    r"[A-Z]{3}": r"(Billing|Pricing)Currency",
    r"(\d+ )?[A-Z][A-Za-z]*s": r"(Pricing|Consumed)Unit",
}
PRODUCTS = (
    ("ContractedUnitPrice", "ContractedCost"),
    ("ListUnitPrice", "ListCost"),
    ("PricingCurrencyContractedUnitPrice", "ContractedCost"),
    ("PricingCurrencyListUnitPrice", "ListCost"),
)


def find_breaches(rows: Sequence[Row]) -> list[str]:
    """Every rule that a row breaks, with its column; none for a file that is FOCUS 1.2."""
    names = list(rows[0])
    checks: tuple[Callable[[Row], Iterator[str]], ...] = (
        *(_check_nulls, _check_values, _check_formats, _check_money, _check_periods, _check_maps),
    )
    found = {f"{name}: is not there" for name in MANDATORY - set(names)}
    found |= {f"{name}: is no custom column" for name in names if not re.fullmatch(r"([A-Z][a-z]+)+|x_\w+", name)}
    if names != sorted(names, key=lambda name: name.startswith("x_")):
        found.add("x_: is not last")
    found |= {breach for row in rows for check in checks for breach in check(row)}
    return sorted(found | set(_check_price_ids(rows)))


def _check_nulls(row: Row) -> Iterator[str]:
    yield from (f"{name}: is null" for name in NEVER_NULL if row[name] == "")
    is_usage = row["ChargeCategory"] == "Usage"
    for name in OF_USAGE:
        if is_usage and row["ChargeClass"] == "" and row[name] == "":
            yield f"{name}: is null in usage"
    if not is_usage and row["ConsumedQuantity"]:
        yield "ConsumedQuantity: is given where nothing is used"
    yield from (f"{one}: is without {other}" for one, other in TOGETHER if (row[one] == "") != (row[other] == ""))
    if row["CommitmentDiscountStatus"] and not row.get("CommitmentDiscountId"):
        yield "CommitmentDiscountStatus: is of no commitment"


def _check_values(row: Row) -> Iterator[str]:
    yield from (f"{name}: {row[name]} is not allowed" for name, words in ALLOWED.items() if row[name] not in words)
    yield from (f"{name}: {text} is a placeholder" for name, text in row.items() if text in {"null", "N/A", "None"})


def _check_formats(row: Row) -> Iterator[str]:
    for form, columns in FORMATS.items():
        for name, text in row.items():
            if re.fullmatch(columns, name) and text and not re.fullmatch(form, text):
                yield f"{name}: {text} has another form"


def _check_money(row: Row) -> Iterator[str]:
    if row["ChargeClass"] == "Correction":
        return
    for price, cost in PRODUCTS:
        if (
            row[price]
            and row["PricingQuantity"]
            and Fraction(row[price]) * Fraction(row["PricingQuantity"]) != Fraction(row[cost])
        ):
            yield f"{price}: times PricingQuantity is not {cost}"
    if row["BillingCurrency"] == row["PricingCurrency"] and row["PricingCurrencyEffectiveCost"] != row["EffectiveCost"]:
        yield "PricingCurrencyEffectiveCost: is not EffectiveCost"


def _check_periods(row: Row) -> Iterator[str]:
    billing, charge = ((row[f"{what}PeriodStart"], row[f"{what}PeriodEnd"]) for what in ("Billing", "Charge"))
    if not billing[0] <= charge[0] < charge[1] <= billing[1]:
        yield "ChargePeriodStart: is not within the billing period"


def _check_maps(row: Row) -> Iterator[str]:
    for name in ("Tags", "SkuPriceDetails"):
        pairs = json.loads(row[name] or "{}")
        if any(isinstance(value, dict | list) for value in pairs.values()):
            yield f"{name}: a value is no single one"
        if name == "SkuPriceDetails" and any(not key.startswith("x_") for key in pairs):
            yield "SkuPriceDetails: a key of ours is not marked"


def _check_price_ids(rows: Sequence[Row]) -> Iterator[str]:
    """A price has one parent and one description, whenever and whoever paid it."""
    known: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for row in rows:
        known[row["SkuPriceId"]].add(tuple(row[name] for name in ("SkuId", "SkuPriceDetails", "SkuMeter")))
    yield from ("SkuPriceId: stands for several things" for told in known.values() if len(told) > 1)
