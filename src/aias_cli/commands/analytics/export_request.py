"""What the options of an export mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection

    from aias_cli.context import CommandContext
    from aias_core.finance.export.request import Compression, ExportRequest, Format, Kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options as they were given."""

    month: str | None
    period: str | None
    start: str | None
    end: str | None
    org: str
    granularity: str
    models: tuple[str, ...]
    projects: tuple[str, ...]
    kind: Kind
    form: Format
    compression: Compression
    statement: int | None
    require_closed: bool = False

    def plain(self, context: CommandContext) -> ExportRequest:
        """The request as far as it needs no database: of all organizations, without filters. Raises InvalidInput."""
        from aias_core.environments.finance import read_issuer
        from aias_core.finance.export.request import ExportRequest, find_window
        from aias_core.windows import parse_grain

        return ExportRequest(
            find_window(self.month, self.period, self.start, self.end),
            None,
            parse_grain(self.granularity),
            self.kind,
            self.form,
            self.compression,
            statement=self.statement,
            issuer=read_issuer(context.environment()),
        )


def build_request(connection: Connection, plain: ExportRequest, wanted: Wanted) -> ExportRequest:
    """The request with its organization, models and projects found.

    Raises NotFound, Refused for an open month where a closed one is required, wherever the file goes.
    """
    from aias_core.analytics.dimensions import get_organization
    from aias_core.finance.export.filters import find_models, find_projects
    from aias_core.finance.export.request import Scope
    from aias_core.finance.export.source import refuse_open_months

    scope = None if wanted.org == "all" else Scope(*get_organization(connection, wanted.org))
    models = find_models(connection, wanted.models, scope)
    request = plain.narrowed(scope, models, find_projects(connection, wanted.projects, scope))
    if wanted.require_closed:
        refuse_open_months(connection, request)
    return request
