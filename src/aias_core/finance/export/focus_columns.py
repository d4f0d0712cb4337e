"""The columns of FOCUS 1.2: the mandatory ones first, then those that apply here, ours (`x_…`) last.

https://focus.finops.org/focus-specification/v1-2/ says of each what it may hold and when it may be empty.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
_MANDATORY_TEXTS = (
    *("BillingCurrency", "BillingAccountId", "BillingAccountName", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "PricingUnit", "ServiceCategory", "ServiceName", "ProviderName", "PublisherName"),
    "InvoiceIssuerName",
)
PERIODS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
MANDATORY = (*COSTS, *_MANDATORY_TEXTS, *PERIODS, "PricingQuantity")
_CONDITIONAL_DECIMALS = (
    *("ConsumedQuantity", "ListUnitPrice", "ContractedUnitPrice", "PricingCurrencyContractedUnitPrice"),
    *("PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice"),
)
_CONDITIONAL_TEXTS = (
    *("ConsumedUnit", "ChargeFrequency", "ServiceSubcategory", "PricingCategory", "PricingCurrency", "InvoiceId"),
    *("SkuId", "SkuMeter", "SkuPriceId", "SkuPriceDetails", "RegionId", "RegionName", "SubAccountId"),
    *("SubAccountName", "SubAccountType", "CommitmentDiscountStatus", "Tags"),
)
NULLABLE = {
    *("ChargeClass", "PricingUnit", "PricingQuantity", *_CONDITIONAL_DECIMALS, *_CONDITIONAL_TEXTS),
} - {"ChargeFrequency", "PricingCurrency", "PricingCurrencyEffectiveCost", "ServiceSubcategory"}


@cache
def focus_schema() -> pa.Schema:
    """Names, types and nullability of the columns, in their order."""
    import pyarrow as pa

    exact, text, instant = pa.decimal128(38, 12), pa.dictionary(pa.int32(), pa.string()), pa.timestamp("us", "UTC")
    types = dict.fromkeys((*COSTS, "PricingQuantity", *_CONDITIONAL_DECIMALS), exact)
    types |= dict.fromkeys(PERIODS, instant) | dict.fromkeys((*_MANDATORY_TEXTS, *_CONDITIONAL_TEXTS), text)
    names = (*MANDATORY, *_CONDITIONAL_DECIMALS, *_CONDITIONAL_TEXTS)
    fields = [pa.field(name, types[name], name in NULLABLE) for name in names]
    fields += [pa.field("x_StatementVersion", pa.int64(), False), pa.field("x_MonthStatus", text, False)]
    return pa.schema(fields)
