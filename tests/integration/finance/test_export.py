from __future__ import annotations

import gzip
import hashlib
import json
import resource
import stat
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aias_core import clock
from aias_core.database.connection import connect
from aias_core.errors import Conflict, DifferenceFound, NotFound, PrerequisiteMissing
from aias_core.finance.export import run, stream
from aias_core.finance.export.request import Compression, ExportRequest, Format, Kind, Scope
from aias_core.finance.export.verify import verify_file
from aias_core.windows import Grain, Window
from support.events import MODEL, ORG, OTHER_ORG, PRICE
from support.exports import Edit, export, read

if TYPE_CHECKING:
    from support.servers import PostgresServer

ACME = Scope(ORG, "acme")
FORMS = [
    (Format.CSV, Compression.NONE),
    (Format.CSV, Compression.GZIP),
    (Format.CSV, Compression.ZSTD),
    (Format.JSONL, Compression.NONE),
    (Format.JSONL, Compression.GZIP),
    (Format.PARQUET, Compression.NONE),
]


def test_the_file_holds_exactly_the_month_and_adds_up(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    result = export(store, ExportRequest(month), tmp_path)
    rows = read(result["file"])
    assert sum(int(row["requests"]) for row in rows) == 61
    assert {row["period_end"] for row in rows} <= {
        (month.start + timedelta(days=d)).strftime("%Y-%m-%dT00:00:00Z") for d in range(32)
    }
    for row in rows:
        tokens = [int(row[f"billed_{kind}_tokens"]) for kind in ("input", "cached_input", "output")]
        pico = tokens[0] * PRICE.input_pico + tokens[1] * PRICE.cached_input_pico + tokens[2] * PRICE.output_pico
        assert Fraction(row["cost_exact"]) * 10**12 == pico
    manifest = json.loads(Path(result["manifest"]).read_text())
    assert manifest["row_count"] == len(rows)
    assert manifest["sha256"] == hashlib.sha256(Path(result["file"]).read_bytes()).hexdigest()
    assert [price["price_id"] for price in manifest["prices"]] == [PRICE.price_id]
    for total in manifest["totals"]:
        own = [row for row in rows if row["org_id"] == total["org_id"]]
        assert sum(Fraction(row["amount_exact"]) for row in own) == Fraction(total["amount_exact"])
        assert sum(Fraction(row["amount"]) for row in own) == Fraction(total["amount"])


@pytest.mark.parametrize(("form", "compression"), FORMS, ids=lambda value: str(value))
def test_every_form_says_the_same_and_verifies(
    store: psycopg.Connection, month: Window, tmp_path: Path, form: Format, compression: Compression
) -> None:
    plain = export(store, ExportRequest(month), tmp_path / "plain")
    result = export(store, ExportRequest(month, format=form, compression=compression), tmp_path)
    assert result["content_sha256"] == plain["content_sha256"]
    checks = verify_file(Path(result["file"]), store)
    assert [check["check"] for check in checks if not check["equal"]] == []
    assert len(checks) == 7


@pytest.mark.parametrize(("form", "compression"), FORMS, ids=lambda value: str(value))
def test_equal_data_gives_equal_bytes_on_another_server(
    store: psycopg.Connection,
    month: Window,
    postgres_server: PostgresServer,
    tmp_path: Path,
    form: Format,
    compression: Compression,
) -> None:
    request = ExportRequest(month, format=form, compression=compression)
    first = export(store, request, tmp_path / "a")
    with another_database(store, postgres_server) as other:
        assert export(other, request, tmp_path / "b")["sha256"] == first["sha256"]


def another_database(store: psycopg.Connection, server: PostgresServer) -> Any:
    """A copy of the database whose rows lie in another order."""
    from contextlib import contextmanager

    @contextmanager
    def opened() -> Iterator[psycopg.Connection]:
        name = server.clone("analytics")
        with (
            connect(server.superuser(store.info.dbname), autocommit=True) as old,
            connect(server.superuser(name), autocommit=True) as new,
        ):
            tables = ("dim_organizations", "dim_models", "dim_prices", "dim_versions", "usage_days", "usage_hours")
            new.execute("SELECT aias.ensure_month_partitions(now() - interval '70 days', 6)")
            new.execute("SET session_replication_role = replica")
            for table in tables:
                query = psycopg.sql.SQL("COPY (SELECT * FROM aias.{} t ORDER BY md5(t::text)) TO STDOUT")
                with old.cursor().copy(query.format(psycopg.sql.Identifier(table))) as out:
                    rows = b"".join(out)
                into = psycopg.sql.SQL("COPY aias.{} FROM STDIN").format(psycopg.sql.Identifier(table))
                with new.cursor().copy(into) as copy:
                    copy.write(rows)
        with connect(server.dsn(name, "aias_analytics"), autocommit=True) as connection:
            yield connection

    return opened()


def test_bounds_give_the_file_of_their_month(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    names = [{"month": f"{month.start:%Y-%m}"}, {"start": f"{month.start:%Y-%m-%d}", "end": f"{month.end:%Y-%m-%d}"}]
    from aias_core.finance.export.request import find_window

    requests = [ExportRequest(find_window(*(n.get(k) for k in ("month", "period", "start", "end")))) for n in names]
    hashes = {export(store, request, tmp_path / str(i))["sha256"] for i, request in enumerate(requests)}
    assert len(hashes) == 1


@pytest.mark.parametrize("grain", list(Grain))
def test_every_grain_has_the_same_totals(
    store: psycopg.Connection, month: Window, tmp_path: Path, grain: Grain
) -> None:
    days = export(store, ExportRequest(month), tmp_path / "days")
    result = export(store, ExportRequest(month, granularity=grain), tmp_path)
    without_rows = [[{**total, "rows": 0} for total in totals] for totals in (days["totals"], result["totals"])]
    assert without_rows[0] == without_rows[1]
    rows = read(result["file"])
    assert {row["granularity"] for row in rows} == {str(grain)}
    if grain is Grain.MONTH:
        assert {(row["period_start"], row["period_end"]) for row in rows} == {
            (clock.format_second(month.start), clock.format_second(month.end))
        }


def test_one_organization_is_exported_alone(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    rows = read(export(store, ExportRequest(month, ACME), tmp_path)["file"])
    assert {row["org_id"] for row in rows} == {str(ORG)}
    assert {row["model_id"] for row in rows} == {str(MODEL)}


def test_filters_narrow_the_file(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    assert len(read(export(store, ExportRequest(month, models=(MODEL,)), tmp_path / "a")["file"])) == 4
    assert read(export(store, ExportRequest(month, models=(ORG,)), tmp_path / "b")["file"]) == []


def test_a_month_of_all_shows_idle_organizations_and_hides_test_ones(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    idle = "01890000-0000-7000-8000-000000000000"
    store.execute("INSERT INTO aias.dim_organizations VALUES (%s, 'idle', 'Idle', 'customer')", [idle])
    store.execute("UPDATE aias.dim_organizations SET kind = 'test' WHERE slug = 'globex'")
    result = export(store, ExportRequest(month), tmp_path)
    rows = read(result["file"])
    assert [row["org_slug"] for row in rows] == ["idle", *["acme"] * 3]
    assert (rows[0]["requests"], rows[0]["amount"], rows[0]["operation"], rows[0]["model_id"]) == ("0", "0.00", "", "")
    assert json.loads(Path(result["manifest"]).read_text())["filters"]["excluded_organizations"] == ["globex"]
    assert all(check["equal"] for check in verify_file(Path(result["file"]), store))


def test_names_are_those_of_the_period(store: psycopg.Connection, month: Window, edit: Edit, tmp_path: Path) -> None:
    store.execute("UPDATE aias.dim_organizations SET display_name = 'Renamed' WHERE slug = 'acme'")
    edit("UPDATE aias.dim_versions SET valid_to = %s", [month.end - timedelta(days=1)])
    rows = read(export(store, ExportRequest(month, ACME), tmp_path)["file"])
    named = [(row["period_start"], row["org_name"]) for row in rows]
    days = [clock.format_second(month.end - timedelta(days=d)) for d in (3, 2, 1)]
    assert named == [(days[0], "acme"), (days[1], "acme"), (days[2], "Renamed")]


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    rows = read(export(store, ExportRequest(month, Scope(OTHER_ORG, "globex")), tmp_path)["file"])
    assert {row["org_name"] for row in rows} == {"'=1+1"}


@pytest.mark.parametrize("amount", [2**70, -(2**70)], ids=["owed", "credited"])
def test_amounts_beyond_64_bits_are_exact(
    store: psycopg.Connection, month: Window, edit: Edit, tmp_path: Path, amount: int
) -> None:
    edit("UPDATE aias.usage_days SET cost_pico = %s + output_tokens WHERE org_id = %s", [amount, ORG])
    result = export(store, ExportRequest(month, ACME), tmp_path)
    rows = read(result["file"])
    assert [Fraction(row["cost_exact"]) * 10**12 - int(row["output_tokens"]) for row in rows] == [amount] * 3
    assert all(check["equal"] for check in verify_file(Path(result["file"]), store))


def test_a_cost_of_29_cents_stays_29_cents(
    store: psycopg.Connection, month: Window, edit: Edit, tmp_path: Path
) -> None:
    edit("UPDATE aias.usage_days SET cost_pico = 290000000000 WHERE org_id = %s", [OTHER_ORG])
    rows = read(export(store, ExportRequest(month, Scope(OTHER_ORG, "globex")), tmp_path)["file"])
    assert [(row["amount_exact"], row["amount"]) for row in rows] == [("0.290000000000", "0.29")]


def test_adjustments_stand_beside_cost_and_in_the_amount(
    store: psycopg.Connection, month: Window, edit: Edit, tmp_path: Path
) -> None:
    edit("UPDATE aias.usage_days SET adjustment_pico = -10000000000 WHERE org_id = %s", [OTHER_ORG])
    row = read(export(store, ExportRequest(month, Scope(OTHER_ORG, "globex")), tmp_path)["file"])[0]
    assert row["adjustment_exact"] == "-0.010000000000"
    assert Fraction(row["amount_exact"]) == Fraction(row["cost_exact"]) + Fraction(row["adjustment_exact"])


def test_parquet_has_decimals_and_its_writer_is_not_in_it(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    result = export(store, ExportRequest(month, format=Format.PARQUET), tmp_path)
    with pq.ParquetFile(result["file"]) as file:
        assert file.metadata.created_by == "aias"
        assert file.schema_arrow.field("amount_exact").type == pa.decimal128(38, 12)
        assert file.schema_arrow.field("requests").type == pa.int64()
        assert file.read().num_rows == result["row_count"]


def test_gzip_holds_neither_name_nor_time(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    content = Path(export(store, ExportRequest(month, compression=Compression.GZIP), tmp_path)["file"]).read_bytes()
    assert content[3:8] == bytes(5)
    assert gzip.decompress(content).startswith(b"period_start,")


def test_one_changed_byte_fails_the_check(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    path = Path(export(store, ExportRequest(month), tmp_path)["file"])
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(bytes(content))
    assert [check["check"] for check in verify_file(path) if not check["equal"]] == ["sha256"]


def test_a_forged_file_with_its_own_checksum_fails_on_its_content(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    result = export(store, ExportRequest(month), tmp_path)
    path, manifest = Path(result["file"]), Path(result["manifest"])
    path.write_text(path.read_text().replace("chat", "chut"))
    forged = json.loads(manifest.read_text()) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(forged))
    assert [check["check"] for check in verify_file(path) if not check["equal"]] == ["content_sha256"]


def test_a_store_that_has_changed_is_noticed_online(
    store: psycopg.Connection, month: Window, edit: Edit, tmp_path: Path
) -> None:
    path = Path(export(store, ExportRequest(month), tmp_path)["file"])
    edit("UPDATE aias.usage_days SET cost_pico = cost_pico + 1 WHERE org_id = %s", [OTHER_ORG])
    assert [check["check"] for check in verify_file(path, store) if not check["equal"]] == ["store"]


def test_a_file_without_a_manifest_is_not_verified(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n")
    with pytest.raises(NotFound, match="manifest"):
        verify_file(tmp_path / "x.csv")


def test_files_are_for_their_owner_only(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    result = export(store, ExportRequest(month), tmp_path)
    assert {stat.S_IMODE(Path(result[name]).stat().st_mode) for name in ("file", "manifest")} == {0o600}


def test_an_existing_file_is_not_replaced_unless_forced(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    export(store, ExportRequest(month), tmp_path)
    with pytest.raises(Conflict, match="exists"):
        export(store, ExportRequest(month), tmp_path)
    assert export(store, ExportRequest(month), tmp_path, force=True)["row_count"]


def test_a_file_may_be_named(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    assert export(store, ExportRequest(month), tmp_path / "mine.csv")["file"] == str(tmp_path / "mine.csv")


def test_a_statement_that_there_is_not_is_named(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no statement 3"):
        export(store, ExportRequest(month, statement=3), tmp_path)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, DifferenceFound], ids=lambda fault: fault.__name__)
def test_an_interrupt_leaves_no_file_and_a_usable_connection(
    store: psycopg.Connection,
    month: Window,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: type[BaseException],
) -> None:
    def interrupt(*_: object) -> None:
        raise fault

    monkeypatch.setattr(run.Tally, "add", interrupt)
    with pytest.raises(fault):
        export(store, ExportRequest(month), tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert export(store, ExportRequest(month), tmp_path)["row_count"] == 4


def test_a_row_lost_on_the_way_is_noticed(
    store: psycopg.Connection, month: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = stream.iter_blocks
    monkeypatch.setattr(stream, "iter_blocks", lambda messages: (block[1:] for block in whole(messages)))
    with pytest.raises(DifferenceFound, match="does not add up"):
        export(store, ExportRequest(month), tmp_path)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    store: psycopg.Connection, month: Window, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(PrerequisiteMissing, match="cannot be written"):
            export(store, ExportRequest(month), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_focus_rows_add_up_to_the_finance_file(store: psycopg.Connection, month: Window, tmp_path: Path) -> None:
    plain = export(store, ExportRequest(month), tmp_path / "plain")
    focus = export(store, ExportRequest(month, kind=Kind.FOCUS), tmp_path)
    rows = read(focus["file"])
    for total in plain["totals"]:
        own = [Fraction(row["BilledCost"]) for row in rows if row["BillingAccountId"] == total["org_id"]]
        assert sum(own) == Fraction(total["amount_exact"])
    assert all(check["equal"] for check in verify_file(Path(focus["file"]), store))
