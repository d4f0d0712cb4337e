"""The options that questions about usage share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aias_core.errors import DifferenceFound, InvalidInput

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_cli.context import CommandContext
    from aias_core.analytics.query.parameters import Question
    from aias_core.analytics.query.scope import Scope


class Group(StrEnum):
    """What a series may be split by."""

    MODEL = "model"
    PROJECT = "project"
    KEY = "key"
    OPERATION = "operation"
    REGION = "region"
    STATUS = "status"
    ORG = "org"
    NONE = "none"


OrgOption = Annotated[str, typer.Option("--org", help="Slug or id of the organization, or 'all'.")]
OneOrgOption = Annotated[str, typer.Option("--org", help="Slug or id of the organization.")]
MonthOption = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="Which month [this one].")]
PeriodOption = Annotated[
    str | None, typer.Option("--period", metavar="NAME", help="24h, 7d, 30d, mtd, last-month or YYYY-MM.")
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="TIME", help="First instant, or a date.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="First instant after it [now].")]
AlignOption = Annotated[bool, typer.Option("--align", help="Widen the window to whole buckets.")]
GranularityOption = Annotated[
    str | None, typer.Option("--granularity", metavar="GRAIN", help="hour, day or month [day].")
]
ModelOption = Annotated[list[str] | None, typer.Option("--model", help="Only this model; repeatable.")]
ProjectOption = Annotated[list[str] | None, typer.Option("--project", help="Only this project; repeatable.")]
KeyOption = Annotated[list[str] | None, typer.Option("--key", help="Only this API key; repeatable.")]
OperationOption = Annotated[list[str] | None, typer.Option("--operation", help="Only this operation; repeatable.")]
RegionOption = Annotated[list[str] | None, typer.Option("--region", help="Only this region; repeatable.")]
GroupOption = Annotated[
    list[Group] | None, typer.Option("--group-by", help="Split by this, two at most [model; org for all].")
]
FillOption = Annotated[bool, typer.Option("--fill", help="Show buckets in which nothing happened.")]
ZoneOption = Annotated[str, typer.Option("--tz", metavar="ZONE", help="Reporting time zone, such as Europe/Berlin.")]
CompareOption = Annotated[bool, typer.Option("--compare", help="Add the totals of the window before.")]
TopOption = Annotated[int | None, typer.Option("--top", metavar="N", help="The N largest groups, the rest as one.")]
FreshOption = Annotated[bool, typer.Option("--require-fresh", help="End with 10 when figures are behind.")]


def choose_period(month: str | None, period: str | None, start: str | None) -> str | None:
    """The period that is meant: this month where nothing else is said. Raises InvalidInput for two."""
    if month and period:
        raise InvalidInput(
            "A window is given by --month or by --period, not by both", hint="see: aias analytics usage --help"
        )
    from aias_core.windows import current_month

    return month or period or (None if start else current_month())


def choose_groups(groups: Sequence[Group] | None, org: str) -> tuple[str, ...]:
    """The dimensions to split by: the model, or the organization where all are meant, unless others are named."""
    if groups is None:
        return ("org",) if org == "all" else ("model",)
    return tuple(group.value for group in groups if group is not Group.NONE)


@contextmanager
def asking(
    context: CommandContext, org: str, action: str = "usage.read"
) -> Iterator[tuple[Connection, Scope, dict[str, Any]]]:
    """A connection, the scope that an `--org` means, and what an answer says of it. Raises NotFound.

    Reading past the API is reading from outside: it is recorded like a read of the platform.
    """
    from aias_core.accounts import own_name
    from aias_core.analytics.access.records import AccessRecord, record_access
    from aias_core.analytics.dimensions import get_organization
    from aias_core.analytics.query.scope import Scope

    with context.environment().endpoints().analytics_connection() as connection:
        if org == "all":
            record_access(connection, AccessRecord("cli", own_name(), "operator", action, "allowed", target_id="all"))
            yield connection, Scope(None), {"org": "all", "org_id": None}
            return
        org_id, slug = get_organization(connection, org)
        record = AccessRecord("cli", own_name(), "operator", action, "allowed", org_id=org_id, target_id=slug)
        record_access(connection, record)
        yield connection, Scope.of(org_id), {"org": slug, "org_id": str(org_id)}


def note_freshness(context: CommandContext, freshness: dict[str, Any], *, required: bool = False) -> None:
    """Says on stderr how current the figures are. Raises DifferenceFound where fresh ones were required."""
    context.printer.note(f"Figures are {freshness['status']}, settled through {freshness['settled_through'] or '-'}.")
    if required and freshness["status"] not in ("fresh", "idle"):
        raise DifferenceFound(
            f"The figures are {freshness['status']}", hint="see where it stands with: aias analytics status"
        )


def build_question(**given: Any) -> Question:
    """The question that the options mean."""
    from aias_core.analytics.query.parameters import Filters, Question

    names = ("model", "project", "key", "operation", "region")
    filters = Filters(**{name: tuple(given.pop(name) or ()) for name in names})
    return Question(filters=filters, **given)
