-- name: list_tables
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2

-- name: sum_rows
SELECT count(*), coalesce(sum(hash_record_extended(whole_row, 0)), 0)::text FROM ONLY {} AS whole_row

-- name: sum_rows_as_text
SELECT count(*), coalesce(sum(hashtextextended(whole_row::text, 0)), 0)::text FROM ONLY {} AS whole_row

-- name: has_history
SELECT to_regclass('aias_migrations.history') IS NOT NULL

-- name: read_schema_version
SELECT max(version) FROM aias_migrations.history

-- name: read_size
SELECT pg_database_size(current_database())

-- name: read_server
SELECT current_setting('server_version'), current_setting('archive_mode'), (pg_control_system()).system_identifier::text

-- name: read_version
SELECT current_setting('server_version')

-- name: read_position
SELECT pg_current_wal_insert_lsn()::text

-- name: take_snapshot
SELECT pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text

-- name: export_snapshot
SELECT pg_export_snapshot()

-- name: write_restore_point
SELECT pg_walfile_name(pg_create_restore_point(%s))

-- name: commit_a_mark
SELECT pg_current_xact_id()

-- name: read_current_segment
SELECT pg_walfile_name(pg_current_wal_insert_lsn())

-- name: switch_segment
SELECT pg_switch_wal()

-- name: has_segments_to_archive
SELECT EXISTS (SELECT 1 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')

-- name: list_databases
SELECT datname FROM pg_database WHERE datname = ANY(%s)

-- name: end_sessions
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()

-- name: set_parallel_workers
SELECT set_config('max_parallel_workers_per_gather', %s, false)

-- name: has_tombstones
SELECT to_regclass('aias.erasure_tombstones') IS NOT NULL

-- name: list_tombstones
-- With the request behind each, which holds nothing personal; whatever it refers to may be missing elsewhere.
SELECT to_jsonb(r) - 'approval_id' FROM aias.erasure_tombstones t JOIN aias.erasure_requests r USING (request_id)
ORDER BY t.erased_at
