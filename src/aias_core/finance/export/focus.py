"""FOCUS 1.2: one row per day, key of the rollup and component of the price, and one for adjustments.

FinOps Open Cost and Usage Specification 1.2, https://focus.finops.org/focus-specification/v1-2/: the mandatory columns
first, then those that apply here, ours (`x_…`) last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from aias_core import clock
from aias_core.errors import DifferenceFound
from aias_core.finance.export.lines import LineBuilder, to_decimals, to_instants
from aias_core.finance.export.names import NAME, microseconds_of
from aias_core.finance.export.prices import PriceRow, Prices
from aias_core.finance.export.records import Amounts, Records, amounts_of
from aias_core.finance.export.request import Issuer
from aias_core.finance.export.texts import Texts, encode_codes, encode_ids
from aias_core.money import PICO, TOKENS_PER_PRICE_UNIT
from aias_core.windows import next_month

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Array: TypeAlias = "np.ndarray[Any, Any]"

COMPONENTS = ("input", "cached_input", "output", "request")
ADJUSTMENT = len(COMPONENTS)
_QUANTITIES = ("billed_input_tokens", "billed_cached_input_tokens", "billed_output_tokens", "billed_requests")
_METERS = ("Input Tokens", "Cached Input Tokens", "Output Tokens", "Requests", None)
_PRICING_UNITS = ("1000000 Tokens", "1000000 Tokens", "1000000 Tokens", "Requests", None)
_CONSUMED_UNITS = ("Tokens", "Tokens", "Tokens", "Requests", None)
_DESCRIPTIONS = (
    "Input tokens that were not cached, at the price of their model.",
    "Cached input tokens, at the price of their model.",
    "Output tokens, at the price of their model.",
    "Requests, at the price of their model.",
    "Adjustment of earlier usage.",
)
_UNITS = (TOKENS_PER_PRICE_UNIT, TOKENS_PER_PRICE_UNIT, TOKENS_PER_PRICE_UNIT, 1, 1)
_FITS = 2**62

_COSTS = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
_MANDATORY_TEXTS = (
    *("BillingCurrency", "BillingAccountId", "BillingAccountName", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "PricingUnit", "ServiceCategory", "ServiceName", "ProviderName", "PublisherName"),
    "InvoiceIssuerName",
)
_PERIODS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
MANDATORY = (*_COSTS, *_MANDATORY_TEXTS, *_PERIODS, "PricingQuantity")
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
    types = dict.fromkeys((*_COSTS, "PricingQuantity", *_CONDITIONAL_DECIMALS), exact)
    types |= dict.fromkeys(_PERIODS, instant) | dict.fromkeys((*_MANDATORY_TEXTS, *_CONDITIONAL_TEXTS), text)
    names = (*MANDATORY, *_CONDITIONAL_DECIMALS, *_CONDITIONAL_TEXTS)
    fields = [pa.field(name, types[name], name in NULLABLE) for name in names]
    fields += [pa.field("x_StatementVersion", pa.int64(), False), pa.field("x_MonthStatus", text, False)]
    return pa.schema(fields)


@dataclass(frozen=True, slots=True)
class FocusBuilder:
    """Makes rows of FOCUS of records; `labels` are the labels of projects as JSON, by id."""

    lines: LineBuilder
    prices: Prices
    labels: Mapping[bytes, str]
    issuer: Issuer

    def schema(self) -> pa.Schema:
        return focus_schema()

    def build(self, records: Records, cents: Amounts) -> pa.RecordBatch:
        """The rows of a block, in its order; `cents` are of no use here, every amount is exact.

        Raises DifferenceFound for a cost that does not follow from its price row.
        """
        import numpy as np
        import pyarrow as pa

        price = encode_ids(records["price_id"])
        book = [self.prices.rows.get(key) for key in price.keys]
        quantities = np.stack([records[name] for name in _QUANTITIES], axis=1)
        adjustment = amounts_of(records, "adjustment")
        costs = _multiply(quantities, _unit_prices(book)[price.index])
        _check_costs(records, costs, quantities.any(axis=1) & ~_are_known(book)[price.index])
        shown = np.concatenate((quantities > 0, adjustment[:, None] != 0), axis=1)
        line, component = np.nonzero(shown)
        rows = _Rows(line, component, price, book)
        contracted = np.concatenate((costs, adjustment[:, None]), axis=1)[line, component]
        listed = _multiply(quantities, _unit_prices([self._find_list_row(row) for row in book])[price.index])
        list_cost = np.concatenate((listed, adjustment[:, None]), axis=1)[line, component]
        quantity = np.concatenate((quantities, quantities[:, :1]), axis=1)[line, component]
        columns = {
            **dict.fromkeys(_COSTS, to_decimals(contracted, 12)),
            "ListCost": to_decimals(list_cost, 12),
            "PricingCurrencyEffectiveCost": to_decimals(contracted, 12),
            **self._measure(rows, quantity),
            **self._name(rows, records),
            **self._date(records["bucket_start"][line]),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in focus_schema().names], schema=focus_schema())

    def _find_list_row(self, row: PriceRow | None) -> PriceRow | None:
        if row is None or row.list_price_id is None:
            return row
        return self.prices.rows.get(row.list_price_id.bytes, row)

    def _measure(self, rows: _Rows, quantity: Array) -> dict[str, Any]:
        """Quantities and unit prices, which adjustments do not have."""
        import numpy as np

        units = np.array(_UNITS)[rows.component]
        listed = [self._find_list_row(row) for row in rows.book]
        unit_price = _pad(_unit_prices(rows.book))[rows.price_index, rows.component] * units
        list_price = _pad(_unit_prices(listed))[rows.price_index, rows.component] * units
        priced = to_decimals(quantity.astype(object) * (PICO // units), 12)
        values = {
            "PricingQuantity": priced,
            "ConsumedQuantity": to_decimals(quantity.astype(object) * PICO, 12),
            "ContractedUnitPrice": to_decimals(unit_price, 12),
            "ListUnitPrice": to_decimals(list_price, 12),
        }
        values["PricingCurrencyContractedUnitPrice"] = values["ContractedUnitPrice"]
        values["PricingCurrencyListUnitPrice"] = values["ListUnitPrice"]
        return {name: rows.only_usage(column) for name, column in values.items()}

    def _name(self, rows: _Rows, records: Records) -> dict[str, Any]:
        """Everything that is a text."""
        starts = records["bucket_start"]
        org, project = encode_ids(records["org_id"]), encode_ids(records["project_id"])
        currency, region = (encode_codes(records[name], self.lines.words) for name in ("currency", "region"))
        segment, status, version = self.lines.find_statements(starts)
        by_line = {
            "BillingCurrency": currency,
            "PricingCurrency": currency,
            "BillingAccountId": org,
            "BillingAccountName": _named(self.lines.names.texts_of("organizations", NAME, org, starts), org),
            "RegionId": region,
            "RegionName": region,
            "SubAccountId": project,
            "SubAccountName": _named(self.lines.names.texts_of("projects", NAME, project, starts), project),
            "SubAccountType": Texts(project.index, [word and "Project" for word in project.words]),
            "Tags": Texts(project.index, [self.labels.get(key) for key in project.keys]),
            "x_MonthStatus": Texts(segment, status),
        }
        by_component: dict[str, Sequence[str | None]] = {
            "ChargeCategory": ["Usage"] * ADJUSTMENT + ["Adjustment"],
            "ChargeClass": [None] * (ADJUSTMENT + 1),
            "ChargeDescription": _DESCRIPTIONS,
            "ChargeFrequency": ["Usage-Based"] * ADJUSTMENT + ["One-Time"],
            "PricingCategory": ["Standard"] * ADJUSTMENT + [None],
            "PricingUnit": _PRICING_UNITS,
            "ConsumedUnit": _CONSUMED_UNITS,
            "SkuMeter": _METERS,
            **dict.fromkeys(("InvoiceId", "CommitmentDiscountStatus"), [None] * (ADJUSTMENT + 1)),
            **dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), [self.issuer.name] * 5),
            "ServiceName": [self.issuer.service] * (ADJUSTMENT + 1),
            "ServiceCategory": ["AI and Machine Learning"] * (ADJUSTMENT + 1),
            "ServiceSubcategory": ["Generative AI"] * (ADJUSTMENT + 1),
        }
        return {
            **{name: Texts(texts.index[rows.line], texts.words).to_arrow() for name, texts in by_line.items()},
            **{name: Texts(rows.component, words).to_arrow() for name, words in by_component.items()},
            **rows.name_skus(),
            "x_StatementVersion": _plain(version[rows.line]),
        }

    def _date(self, starts: Array) -> dict[str, Any]:
        import numpy as np

        months = [segment.window.start.replace(day=1) for segment in self.lines.segments]
        number = self.lines.find_statements(starts)[0]
        first = np.array([microseconds_of(month) for month in months])[number]
        last = np.array([microseconds_of(next_month(month)) for month in months])[number]
        bounds = (first, last, starts, self.lines.find_ends(starts))
        return {name: to_instants(bound) for name, bound in zip(_PERIODS, bounds, strict=True)}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Which line and which component of its price each row is about."""

    line: Array
    component: Array
    price: Texts
    book: list[PriceRow | None]

    @property
    def price_index(self) -> Array:
        index: Array = self.price.index[self.line]
        return index

    def only_usage(self, column: pa.Array) -> pa.Array:
        """The column with nothing where the row is an adjustment."""
        import pyarrow as pa
        import pyarrow.compute as pc

        return pc.if_else(pa.array(self.component == ADJUSTMENT), pa.scalar(None, column.type), column)

    def name_skus(self) -> dict[str, pa.Array]:
        """What was bought: a model and operation, the component of a price row, and since when that price holds."""
        columns: dict[str, list[str | None]] = {"SkuId": [], "SkuPriceId": [], "SkuPriceDetails": []}
        for row in self.book:
            for component in (*COMPONENTS, None):
                is_sku = row is not None and component is not None
                columns["SkuId"].append(f"{row.model_id}/{row.operation}" if row and is_sku else None)
                columns["SkuPriceId"].append(f"{row.price.price_id}/{component}" if row and is_sku else None)
                columns["SkuPriceDetails"].append(_details(row, component) if row and component else None)
        index = self.price_index * (ADJUSTMENT + 1) + self.component
        return {name: Texts(index, words).to_arrow() for name, words in columns.items()}


def _details(row: PriceRow, component: str) -> str:
    since = clock.format_second(row.effective_from)
    return json.dumps({"x_component": component, "x_effective_from": since, "x_negotiated": row.org_id is not None})


def _unit_prices(book: list[PriceRow | None]) -> Array:
    """Pico-units for one token or request: a row for each price, a column for each component."""
    import numpy as np

    nothing = [0] * ADJUSTMENT
    rows = [
        nothing
        if r is None
        else [r.price.input_pico, r.price.cached_input_pico, r.price.output_pico, r.price.request_pico]
        for r in book
    ]
    return np.array(rows, np.int64).reshape(-1, ADJUSTMENT)


def _pad(prices: Array) -> Array:
    """The same with a column of nothing for adjustments, as exact integers of any size."""
    import numpy as np

    return np.concatenate((prices, np.zeros((len(prices), 1), np.int64)), axis=1).astype(object)


def _multiply(quantities: Array, prices: Array) -> Array:
    import numpy as np

    if int(quantities.max(initial=0)) * int(prices.max(initial=0)) >= _FITS:
        exact: Array = quantities.astype(object) * prices.astype(object)
        return exact
    return np.multiply(quantities, prices)


def _are_known(book: list[PriceRow | None]) -> Array:
    import numpy as np

    return np.array([row is not None for row in book], bool)


def _check_costs(records: Records, costs: Array, without_price: Array) -> None:
    if without_price.any() or (costs.sum(axis=1) != amounts_of(records, "cost")).any():
        raise DifferenceFound(
            "A cost does not follow from its price row, so it has no place in a FOCUS file",
            hint="find it with: aias analytics reconcile",
        )


def _named(names: Texts, ids: Texts) -> Texts:
    """Names, and the id where nothing has a name."""
    import numpy as np

    nameless = np.array([word is None for word in names.words], bool)[names.index]
    index = np.where(nameless, len(names.words) + ids.index, names.index)
    return Texts(index, [*names.words, *ids.words])


def _plain(values: Array) -> pa.Array:
    import pyarrow as pa

    return pa.array(values)
