"""The settings of PostgreSQL that a managed database takes, as the specification names them."""

from __future__ import annotations

from aias_services.linode_simulator.fields import boolean, integer, number, shape, text

PG_INTEGERS = (
    "autovacuum_analyze_threshold",
    "autovacuum_max_workers",
    "autovacuum_naptime",
    "autovacuum_vacuum_cost_delay",
    "autovacuum_vacuum_cost_limit",
    "autovacuum_vacuum_threshold",
    "bgwriter_delay",
    "bgwriter_flush_after",
    "bgwriter_lru_maxpages",
    "deadlock_timeout",
    "idle_in_transaction_session_timeout",
    "max_files_per_process",
    "max_locks_per_transaction",
    "max_logical_replication_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_pred_locks_per_transaction",
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "max_stack_depth",
    "max_standby_archive_delay",
    "max_standby_streaming_delay",
    "max_wal_senders",
    "max_worker_processes",
    "pg_partman_bgw.interval",
    "pg_stat_monitor.pgsm_max_buckets",
    "temp_file_limit",
    "track_activity_query_size",
    "wal_sender_timeout",
    "wal_writer_delay",
)
PG_TEXTS = (
    "default_toast_compression",
    "password_encryption",
    "pg_partman_bgw.role",
    "pg_stat_statements.track",
    "synchronous_replication",
    "timezone",
    "track_commit_timestamp",
    "track_functions",
    "track_io_timing",
)
PG_NUMBERS = ["autovacuum_analyze_scale_factor", "autovacuum_vacuum_scale_factor", "bgwriter_lru_multiplier"]
PG_BOOLEANS = ("jit", "pg_stat_monitor.pgsm_enable_query_plan")
CONFIG = shape(
    {
        "pg": shape(
            {
                **{name: integer(nullable=True) for name in PG_INTEGERS},
                **{name: text(nullable=True) for name in PG_TEXTS},
                **{name: number(nullable=True) for name in PG_NUMBERS},
                **{name: boolean(nullable=True) for name in PG_BOOLEANS},
            }
        ),
        "pglookout": shape({"max_failover_replication_time_lag": integer(low=10, nullable=True)}),
        "pg_stat_monitor_enable": boolean(nullable=True),
        "shared_buffers_percentage": number(low=20, high=60, nullable=True),
        "synchronous_replication": text(choices=("quorum", "off"), nullable=True),
        "work_mem": integer(low=1, high=1024, nullable=True),
    }
)
