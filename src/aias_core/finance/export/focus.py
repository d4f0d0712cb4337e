"""FOCUS 1.2: one row per day, key of the rollup and component of the price, one for adjustments, one for corrections.

FinOps Open Cost and Usage Specification 1.2, https://focus.finops.org/focus-specification/v1-2/. An adjustment is a
correction when it names an event of a month that was closed before. A month that was restated has its own rows anew,
told by x_StatementVersion; they correct no other row, so they are no corrections.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from aias_core.errors import DifferenceFound
from aias_core.finance.export.corrections import Corrections
from aias_core.finance.export.focus_columns import COSTS, PERIODS, focus_schema
from aias_core.finance.export.lines import LineBuilder, to_decimals, to_instants
from aias_core.finance.export.names import NAME, SLUG, Names, microseconds_of
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
ADJUSTMENT, CORRECTION = len(COMPONENTS), len(COMPONENTS) + 1
KINDS = CORRECTION + 1
_QUANTITIES = ("billed_input_tokens", "billed_cached_input_tokens", "billed_output_tokens", "billed_requests")
_METERS = ("Input Tokens", "Cached Input Tokens", "Output Tokens", "Requests", None, None)
_PRICING_UNITS = ("1000000 Tokens", "1000000 Tokens", "1000000 Tokens", "Requests", None, None)
_CONSUMED_UNITS = ("Tokens", "Tokens", "Tokens", "Requests", None, None)
_DESCRIPTIONS = (
    "Input tokens that were not cached, at the price of their model.",
    "Cached input tokens, at the price of their model.",
    "Output tokens, at the price of their model.",
    "Requests, at the price of their model.",
    "Adjustment of earlier usage.",
    "Correction of usage of a month that was closed before.",
)
_UNITS = (TOKENS_PER_PRICE_UNIT, TOKENS_PER_PRICE_UNIT, TOKENS_PER_PRICE_UNIT, 1, 1, 1)
_FITS = 2**62


@dataclass(frozen=True, slots=True)
class FocusBuilder:
    """Makes rows of FOCUS of records; `labels` are those of projects, as JSON in the place of slugs."""

    lines: LineBuilder
    prices: Prices
    labels: Names
    issuer: Issuer
    corrections: Corrections

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
        adjustments = self._split_adjustments(records)
        costs = _multiply(quantities, _unit_prices(book)[price.index])
        _check_costs(records, costs, quantities.any(axis=1) & ~_are_known(book)[price.index])
        shown = np.concatenate((quantities > 0, adjustments != 0), axis=1)
        line, component = np.nonzero(shown)
        rows = _Rows(line, component, price, book)
        contracted = np.concatenate((costs, adjustments), axis=1)[line, component]
        listed = _multiply(quantities, _unit_prices([self._find_list_row(row) for row in book])[price.index])
        list_cost = np.concatenate((listed, adjustments), axis=1)[line, component]
        quantity = np.concatenate((quantities, quantities[:, :2]), axis=1)[line, component]
        columns = {
            **dict.fromkeys(COSTS, to_decimals(contracted, 12)),
            "ListCost": to_decimals(list_cost, 12),
            "PricingCurrencyEffectiveCost": to_decimals(contracted, 12),
            **self._measure(rows, quantity),
            **self._name(rows, records),
            **self._date(records["bucket_start"][line]),
        }
        return pa.RecordBatch.from_arrays([columns[name] for name in focus_schema().names], schema=focus_schema())

    def _split_adjustments(self, records: Records) -> Array:
        """Of each line what its adjustments amount to, without and with those of months closed before."""
        import numpy as np

        whole, corrections = amounts_of(records, "adjustment"), self.corrections.amounts_of(records)
        return np.stack((whole - corrections, corrections), axis=1)

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
            "Tags": self.labels.texts_of("labels", SLUG, project, starts),
            "x_MonthStatus": Texts(segment, status),
        }
        by_component: dict[str, Sequence[str | None]] = {
            "ChargeCategory": ["Usage"] * ADJUSTMENT + ["Adjustment"] * 2,
            "ChargeClass": [None] * CORRECTION + ["Correction"],
            "ChargeDescription": _DESCRIPTIONS,
            "ChargeFrequency": ["Usage-Based"] * ADJUSTMENT + ["One-Time"] * 2,
            "PricingCategory": ["Standard"] * ADJUSTMENT + [None] * 2,
            "PricingUnit": _PRICING_UNITS,
            "ConsumedUnit": _CONSUMED_UNITS,
            "SkuMeter": _METERS,
            **dict.fromkeys(("InvoiceId", "CommitmentDiscountStatus"), [None] * KINDS),
            **dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), [self.issuer.name] * KINDS),
            "ServiceName": [self.issuer.service] * KINDS,
            "ServiceCategory": ["AI and Machine Learning"] * KINDS,
            "ServiceSubcategory": ["Generative AI"] * KINDS,
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
        return {name: to_instants(bound) for name, bound in zip(PERIODS, bounds, strict=True)}


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

        return pc.if_else(pa.array(self.component >= ADJUSTMENT), pa.scalar(None, column.type), column)

    def name_skus(self) -> dict[str, pa.Array]:
        """What was bought: a model and operation, and which part of its price; the same at any time, for anyone."""
        columns: dict[str, list[str | None]] = {"SkuId": [], "SkuPriceId": [], "SkuPriceDetails": []}
        for row in self.book:
            for component in (*COMPONENTS, None, None):
                sku = f"{row.model_id}/{row.operation}" if row and component else None
                columns["SkuId"].append(sku)
                columns["SkuPriceId"].append(sku and f"{sku}/{component}")
                columns["SkuPriceDetails"].append(sku and json.dumps({"x_component": component}))
        index = self.price_index * KINDS + self.component
        return {name: Texts(index, words).to_arrow() for name, words in columns.items()}


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
    """The same with columns of nothing for adjustments and corrections, as exact integers of any size."""
    import numpy as np

    return np.concatenate((prices, np.zeros((len(prices), KINDS - ADJUSTMENT), np.int64)), axis=1).astype(object)


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
