"""The one way to ClickHouse; the driver's errors become ours here."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from aias_core import ids
from aias_core.errors import AiasError, DependencyUnreachable, PrerequisiteMissing
from aias_core.secret import Secret, redact

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

IN_PROCESS = Secret("chdb://memory")
NETWORK: dict[str, Any] = {"connect_timeout": 5, "autogenerate_session_id": False}
TEXT = "TabSeparated"
"""The text of PostgreSQL's COPY, but for arrays."""
READ_SETTINGS = {"date_time_input_format": "best_effort"}  # instants of PostgreSQL end with their zone


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(at: datetime) -> int:
    """An instant as it is bound: the driver would shift it into the zone of its server."""
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The instant of what `to_microseconds` gave."""
    return _EPOCH + count * _MICROSECOND


class ClickHouse:
    """One database of a ClickHouse: statements with bound parameters, and blocks of text in and out."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def execute(self, statement: LiteralString, values: Mapping[str, Any] | None = None) -> None:
        """Runs a statement whose rows nobody wants. Instants are bound as microseconds since 1970."""
        with _translated_errors():
            self._client.command(statement, parameters=dict(values or {}))

    def read(self, statement: LiteralString, values: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """The rows of a query; instants are aware."""
        with _translated_errors():
            return self._client.query(statement, parameters=dict(values or {}), tz_mode="aware").result_rows

    def read_text(self, statement: LiteralString, values: Mapping[str, Any]) -> bytes:
        """The rows of a query as text."""
        with _translated_errors():
            return self._client.raw_query(statement, parameters=dict(values), fmt=TEXT)

    def load(self, table: str, blocks: Iterable[bytes], token: str = "") -> None:
        """Inserts rows given as text. A `token` that the table has seen makes it nothing: a retry gives one copy."""
        settings = {**READ_SETTINGS, **({"insert_deduplication_token": token} if token else {})}
        with _translated_errors():
            self._client.raw_insert(table, insert_block=_generate(blocks), settings=settings, fmt=TEXT)


@contextmanager
def connect(dsn: Secret) -> Iterator[ClickHouse]:
    """The database that an address names, such as `clickhouse://user:password@host:8123/aias`."""
    with _client(dsn) as client:
        yield ClickHouse(client)


@contextmanager
def in_process() -> Iterator[ClickHouse]:
    """An empty database in the memory of this process, gone at the end; chDB is the engine."""
    with _client(IN_PROCESS) as client:
        name = {"name": f"aias_{ids.new_id().hex}"}
        client.command("CREATE DATABASE {name:Identifier}", parameters=name)
        try:
            client.database = name["name"]
            yield ClickHouse(client)
        finally:
            client.database = "default"
            client.command("DROP DATABASE {name:Identifier}", parameters=name)


@contextmanager
def _client(dsn: Secret) -> Iterator[Client]:
    try:
        import clickhouse_connect
    except ModuleNotFoundError as exc:
        raise _missing() from exc
    try:
        with _translated_errors():
            settings = {} if dsn == IN_PROCESS else NETWORK
            client = clickhouse_connect.get_client(dsn=dsn.reveal(), tz_mode="aware", **settings)
    except ImportError as exc:
        raise _missing() from exc
    try:
        yield client
    finally:
        client.close()


def _missing() -> PrerequisiteMissing:
    return PrerequisiteMissing(
        "The packages for ClickHouse are not installed",
        hint="install them with: pip install 'aias[clickhouse,columnar]'",
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    from clickhouse_connect.driver import exceptions

    try:
        yield
    except exceptions.OperationalError as exc:
        raise DependencyUnreachable(f"ClickHouse does not answer: {_first_line(exc)}") from exc
    except exceptions.Error as exc:
        raise AiasError(f"ClickHouse refused a statement: {_first_line(exc)}") from exc


def _first_line(exc: Exception) -> str:
    return redact(str(exc).strip().split("\n", 1)[0]) or type(exc).__name__


def _generate(blocks: Iterable[bytes]) -> Generator[bytes, None, None]:
    yield from blocks
