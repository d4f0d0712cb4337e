"""Query strings, checked: what is not known is refused, never ignored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from aias_core.analytics.query.parameters import Filters, Question

Names = Annotated[list[str], Field(default_factory=list, max_length=100)]
FILTERS = ("model", "project", "key", "operation", "region")


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    def asked(self) -> dict[str, Any]:
        """What was given, for the record."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class _Window(_Parameters):
    start: str | None = Field(None, alias="from", description="RFC 3339, or a date: its midnight in the zone")
    end: str | None = Field(None, alias="to", description="First instant after the window")
    period: str | None = Field(None, description="24h, 7d, 30d, mtd, last-month or YYYY-MM, instead of from and to")


class _Filtered(_Window):
    model: Names = Field(description="Name or id; repeatable; `unassigned` for none")
    project: Names = Field(description="Slug or id; repeatable; `none` for none")
    key: Names = Field(description="Name or id; repeatable")
    operation: Names = Field(description="chat, completion, embedding or other; repeatable")
    region: Names = Field(description="Region of the router; repeatable")

    def filters(self) -> Filters:
        return Filters(**{name: tuple(getattr(self, name)) for name in FILTERS})


class SeriesParameters(_Filtered):
    """A question that is answered by a series."""

    granularity: str | None = Field(None, description="hour, day or month; day where none is given")
    group_by: Annotated[list[str], Field(max_length=2)] = Field(
        default_factory=list, description="model, project, key, operation, region, status; org for the platform"
    )
    fill: str = Field("none", description="zero shows every bucket")
    tz: str = Field("UTC", description="Reporting time zone, an IANA name")
    align: bool = Field(False, description="Widen the window to whole buckets")
    top: int | None = Field(None, description="1 to 100: the largest groups, the others as one")
    limit: int | None = Field(None, description="Rows of a page")
    cursor: str | None = Field(None, description="`page.next_cursor` of the page before")

    def question(self, *, compare: str | None = None, percentiles: tuple[int, ...] = ()) -> Question:
        return Question(
            start=self.start,
            end=self.end,
            period=self.period,
            granularity=self.granularity,
            filters=self.filters(),
            group_by=tuple(self.group_by),
            fill=self.fill,
            tz=self.tz,
            align=self.align,
            compare=compare,
            top=self.top,
            percentiles=percentiles,
        )


class UsageParameters(SeriesParameters):
    compare: str | None = Field(None, description="previous: totals of the window before as well")

    def to_question(self) -> Question:
        return self.question(compare=self.compare)


class ReliabilityParameters(SeriesParameters):
    percentiles: list[int] = Field(default_factory=lambda: [50, 95, 99], description="50, 90, 95, 99; repeatable")

    def to_question(self) -> Question:
        return self.question(percentiles=tuple(self.percentiles))


class PlatformUsageParameters(UsageParameters):
    org: Names = Field(description="Slug or id; repeatable; all where none is given")


class PlatformReliabilityParameters(ReliabilityParameters):
    org: Names = Field(description="Slug or id; repeatable; all where none is given")


class FreshnessParameters(_Parameters):
    model: Names = Field(description="Name or id; repeatable")


class ForecastParameters(_Parameters):
    budget: str | None = Field(None, description="Amount of the month in the organization's currency, such as 499.95")


class EventParameters(_Filtered):
    limit: int = Field(100, description="1 to 1,000")
    cursor: str | None = Field(None, description="`next_cursor` of the page before")
    reason: str | None = Field(None, max_length=200, description="Why; required of the platform, kept in the audit")


class ReasonParameters(_Parameters):
    reason: str | None = Field(None, max_length=200, description="Why; required of the platform, kept in the audit")


UsageAsked = Annotated[UsageParameters, Query()]
ReliabilityAsked = Annotated[ReliabilityParameters, Query()]
PlatformUsageAsked = Annotated[PlatformUsageParameters, Query()]
PlatformReliabilityAsked = Annotated[PlatformReliabilityParameters, Query()]
FreshnessAsked = Annotated[FreshnessParameters, Query()]
ForecastAsked = Annotated[ForecastParameters, Query()]
EventsAsked = Annotated[EventParameters, Query()]
ReasonAsked = Annotated[ReasonParameters, Query()]
