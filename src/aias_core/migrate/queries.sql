-- name: create_engine
CREATE SCHEMA IF NOT EXISTS aias_migrations;
CREATE TABLE IF NOT EXISTS aias_migrations.history (
    version text NOT NULL,
    slug text NOT NULL,
    status text NOT NULL,
    checksum_up text NOT NULL,
    checksum_down text NOT NULL,
    chain text NOT NULL,
    fingerprint_after text,
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    applied_by text NOT NULL,
    tool_version text NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (version),
    CONSTRAINT history_status_check CHECK (status IN ('running', 'applied', 'failed', 'reverting', 'reverted'))
);
CREATE TABLE IF NOT EXISTS aias_migrations.runs (
    run_id uuid NOT NULL,
    direction text NOT NULL,
    status text NOT NULL,
    from_version text,
    to_version text,
    plan_sha256 text NOT NULL,
    actor text NOT NULL,
    reason text,
    change_ref text,
    approvals jsonb NOT NULL,
    overrides text[] NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    lock_retries int NOT NULL DEFAULT 0,
    longest_stall_ms int NOT NULL DEFAULT 0,
    error text,
    delivered_at timestamptz,
    CONSTRAINT runs_pkey PRIMARY KEY (run_id),
    CONSTRAINT runs_direction_check CHECK (direction IN ('up', 'down', 'repair', 'baseline')),
    CONSTRAINT runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'partial'))
);
CREATE TABLE IF NOT EXISTS aias_migrations.statements (
    run_id uuid NOT NULL,
    version text NOT NULL,
    direction text NOT NULL,
    ordinal int NOT NULL,
    sha256 text NOT NULL,
    lock_class text NOT NULL,
    lock_modes text[] NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    rows bigint,
    error text,
    CONSTRAINT statements_pkey PRIMARY KEY (run_id, version, direction, ordinal),
    CONSTRAINT statements_run_id_fkey FOREIGN KEY (run_id) REFERENCES aias_migrations.runs (run_id)
);
CREATE INDEX IF NOT EXISTS statements_version_idx ON aias_migrations.statements (version, direction, ordinal)

-- name: has_engine
SELECT to_regclass('aias_migrations.runs') IS NOT NULL

-- name: has_other_engine
SELECT to_regclass('aias_migrations.history') IS NOT NULL

-- name: find_mark
SELECT obj_description('aias_migrations'::regnamespace, 'pg_namespace')

-- name: list_history
SELECT version, slug, status, checksum_up, checksum_down, chain, fingerprint_after, run_id, started_at, finished_at, applied_by
FROM aias_migrations.history ORDER BY version

-- name: replace_history
INSERT INTO aias_migrations.history AS h (version, slug, status, checksum_up, checksum_down, chain, fingerprint_after, run_id,
    started_at, finished_at, applied_by, tool_version)
VALUES (%(version)s, %(slug)s, %(status)s, %(checksum_up)s, %(checksum_down)s, %(chain)s, %(fingerprint_after)s, %(run_id)s,
    %(started_at)s, %(finished_at)s, session_user, %(tool_version)s)
ON CONFLICT ON CONSTRAINT history_pkey DO UPDATE SET slug = excluded.slug, status = excluded.status,
    checksum_up = excluded.checksum_up, checksum_down = excluded.checksum_down, chain = excluded.chain,
    fingerprint_after = excluded.fingerprint_after, run_id = excluded.run_id, started_at = excluded.started_at,
    finished_at = excluded.finished_at, applied_by = excluded.applied_by, tool_version = excluded.tool_version

-- name: insert_run
INSERT INTO aias_migrations.runs (run_id, direction, status, from_version, to_version, plan_sha256, actor, reason, change_ref,
    approvals, overrides, started_at)
VALUES (%(run_id)s, %(direction)s, 'running', %(from_version)s, %(to_version)s, %(plan_sha256)s, %(actor)s, %(reason)s,
    %(change_ref)s, %(approvals)s, %(overrides)s, now())

-- name: finish_run
UPDATE aias_migrations.runs SET status = %(status)s, finished_at = clock_timestamp(), lock_retries = %(lock_retries)s,
    longest_stall_ms = %(longest_stall_ms)s, error = %(error)s
WHERE run_id = %(run_id)s

-- name: close_abandoned_runs
-- A run that still says 'running' while we hold the lock was killed; its statements say how far it came.
UPDATE aias_migrations.runs SET status = 'partial', finished_at = clock_timestamp(), error = 'the run was killed'
WHERE status = 'running'

-- name: insert_statement
INSERT INTO aias_migrations.statements (run_id, version, direction, ordinal, sha256, lock_class, lock_modes, started_at,
    finished_at, rows, error)
VALUES (%(run_id)s, %(version)s, %(direction)s, %(ordinal)s, %(sha256)s, %(lock_class)s, %(lock_modes)s, %(started_at)s,
    %(finished_at)s, %(rows)s, %(error)s)
ON CONFLICT ON CONSTRAINT statements_pkey DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
    rows = excluded.rows, error = excluded.error

-- name: insert_statements
INSERT INTO aias_migrations.statements SELECT * FROM jsonb_populate_recordset(NULL::aias_migrations.statements, %(records)s::jsonb)
ON CONFLICT ON CONSTRAINT statements_pkey DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
    rows = excluded.rows, error = excluded.error

-- name: list_journaled_statements
-- What earlier runs of a file have begun since it was last whole, and whether they finished it.
SELECT ordinal, sha256, bool_or(finished_at IS NOT NULL AND error IS NULL) FROM aias_migrations.statements
WHERE version = %(version)s AND direction = %(direction)s AND started_at >= %(since)s
GROUP BY ordinal, sha256

-- name: has_journal
SELECT EXISTS (SELECT FROM aias_migrations.statements
    WHERE version = %(version)s AND direction = %(direction)s AND started_at >= %(since)s AND error IS NULL AND finished_at IS NOT NULL)

-- name: find_beginning
SELECT started_at FROM aias_migrations.history
WHERE version = %(version)s AND status = ANY (%(statuses)s)

-- name: list_runs
SELECT run_id, direction, status, from_version, to_version, plan_sha256, actor, reason, change_ref, approvals, overrides, started_at,
    finished_at, lock_retries, longest_stall_ms, error, delivered_at
FROM aias_migrations.runs ORDER BY started_at DESC LIMIT %(limit)s

-- name: find_run
SELECT direction, status, started_at, finished_at, error, lock_retries, longest_stall_ms, plan_sha256
FROM aias_migrations.runs WHERE run_id = %(run_id)s

-- name: list_statements
SELECT version, direction, ordinal, sha256, lock_class, lock_modes, started_at, finished_at, rows, error
FROM aias_migrations.statements WHERE run_id = %(run_id)s ORDER BY started_at, ordinal

-- name: list_file_figures
-- A run that did not succeed and of which no statement failed counts once more, with its own outcome.
SELECT direction, CASE WHEN bool_or(error IS NOT NULL OR finished_at IS NULL) THEN 'failed' ELSE 'succeeded' END,
    extract(epoch FROM max(coalesce(finished_at, started_at)) - min(started_at))::float
FROM aias_migrations.statements WHERE run_id = %(run_id)s GROUP BY version, direction
UNION ALL
SELECT direction, status, NULL FROM aias_migrations.runs r WHERE run_id = %(run_id)s AND status <> 'succeeded'
    AND NOT EXISTS (SELECT FROM aias_migrations.statements s WHERE s.run_id = r.run_id AND s.error IS NOT NULL)

-- name: read_schema_version
SELECT max(version) FROM aias_migrations.history WHERE status = 'applied'

-- name: count_applied
SELECT count(*) FROM aias_migrations.history WHERE status IN ('applied', 'reverting')

-- name: list_used_approvals
-- An approval is used up by a run that came to its end, or by one of another plan.
SELECT DISTINCT a ->> 'approval_id' FROM aias_migrations.runs, jsonb_array_elements(approvals) a
WHERE status = 'succeeded' OR plan_sha256 <> %(plan_sha256)s

-- name: count_undelivered
SELECT count(*) FROM aias_migrations.runs WHERE delivered_at IS NULL

-- name: read_server_version
SELECT current_setting('server_version')

-- name: estimate_relations
-- What the statistics know; counting a large table would be a scan of its own.
SELECT name, greatest(sum(c.reltuples), 0)::bigint, sum(pg_relation_size(c.oid))::bigint
FROM unnest(%(relations)s::text[]) name
JOIN LATERAL (SELECT relid FROM pg_partition_tree(to_regclass(name)) UNION SELECT to_regclass(name)) p ON p.relid IS NOT NULL
JOIN pg_class c ON c.oid = p.relid AND c.relkind IN ('r', 'm', 'i')
GROUP BY name

-- name: act_as_owner
SET ROLE aias_owner

-- name: list_undelivered_runs
SELECT r.run_id, r.direction, r.status, r.actor, r.reason, r.started_at, r.to_version, jsonb_build_object(
    'from_version', r.from_version, 'plan_sha256', r.plan_sha256, 'change_ref', r.change_ref, 'overrides', r.overrides,
    'approvers', (SELECT coalesce(jsonb_agg(a ->> 'approver'), '[]') FROM jsonb_array_elements(r.approvals) a),
    'duration_ms', (extract(epoch FROM r.finished_at - r.started_at) * 1000)::bigint, 'lock_retries', r.lock_retries,
    'longest_stall_ms', r.longest_stall_ms, 'error', r.error,
    'statements', (SELECT count(*) FROM aias_migrations.statements s WHERE s.run_id = r.run_id))
FROM aias_migrations.runs r WHERE r.delivered_at IS NULL AND r.status <> 'running' ORDER BY r.started_at

-- name: mark_delivered
UPDATE aias_migrations.runs SET delivered_at = clock_timestamp() WHERE run_id = %(run_id)s

-- name: try_lock
SELECT pg_try_advisory_lock(7165400185301)

-- name: find_lock_holder
SELECT a.pid, a.application_name, a.usename, a.backend_start
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((l.classid::bigint << 32) | l.objid::bigint) = 7165400185301

-- name: end_stale_workers
-- Whoever holds the lock is the only one who may work: another worker's backend belongs to a run that was killed.
SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'aias db worker'

-- name: name_session
SELECT set_config('application_name', %(name)s, false)

-- name: guard_session
-- The server ends a statement by itself soon after its client has died.
SELECT set_config('client_connection_check_interval', '500ms', false)

-- name: set_limits
SELECT set_config('lock_timeout', %(lock_ms)s::text, false), set_config('statement_timeout', %(statement_ms)s::text, false)

-- name: limit_transaction
-- In front of a statement, in one message with it: the server counts the time-out of each statement on its own.
SET LOCAL lock_timeout = {lock_ms}; SET LOCAL statement_timeout = {statement_ms};

-- name: commit_lazily
-- A crash may lose the newest files of a run, each with its history row; the run's own record is flushed before it is reported.
SET LOCAL synchronous_commit = off;

-- name: measure_waits
-- How long others have been waiting for the worker, and the worker for others, in milliseconds.
SELECT coalesce(max(w.ms) FILTER (WHERE w.pid <> %(worker)s), 0), coalesce(max(w.ms) FILTER (WHERE w.pid = %(worker)s), 0)
FROM (SELECT l.pid, (extract(epoch FROM clock_timestamp() - l.waitstart) * 1000)::float AS ms
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND a.backend_type = 'client backend'
        AND (l.pid = %(worker)s OR %(worker)s = ANY (pg_blocking_pids(l.pid)))) w

-- name: cancel_worker
SELECT pg_cancel_backend(%(worker)s)

-- name: list_blockers
SELECT DISTINCT a.pid, a.usename, extract(epoch FROM now() - a.xact_start)::int AS seconds, l.relation::regclass::text
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.granted AND l.relation IS NOT NULL AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.relation::regclass::text = ANY (%(relations)s) AND a.pid <> %(worker)s
ORDER BY seconds DESC NULLS LAST

-- name: list_old_transactions
SELECT DISTINCT a.pid, a.usename, extract(epoch FROM now() - a.xact_start)::int AS seconds, l.relation::regclass::text
FROM pg_stat_activity a JOIN pg_locks l USING (pid)
WHERE l.granted AND l.relation IS NOT NULL AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.relation::regclass::text = ANY (%(relations)s) AND a.xact_start < now() - make_interval(secs => %(seconds)s)
ORDER BY seconds DESC

-- name: list_lagging_replicas
SELECT application_name, extract(epoch FROM replay_lag)::int FROM pg_stat_replication
WHERE replay_lag > make_interval(secs => %(seconds)s) ORDER BY 1

-- name: measure_relation
SELECT size, pg_size_pretty(size) FROM (
    SELECT coalesce(sum(pg_relation_size(p.relid)), 0)::bigint AS size
    FROM (SELECT relid FROM pg_partition_tree(to_regclass(%(relation)s)) UNION SELECT to_regclass(%(relation)s)) p
    WHERE p.relid IS NOT NULL
) measured

-- name: measure_rewrites
SELECT coalesce(sum(pg_total_relation_size(p.relid)), 0)::bigint FROM unnest(%(relations)s::text[]) name
JOIN LATERAL (SELECT relid FROM pg_partition_tree(to_regclass(name)) UNION SELECT to_regclass(name)) p ON p.relid IS NOT NULL

-- name: list_build_progress
SELECT index_relid::regclass::text, phase, blocks_done, nullif(blocks_total, 0) FROM pg_stat_progress_create_index WHERE pid = %(worker)s

-- name: describe_server
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), pg_backend_pid()

-- name: find_index
SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(%(name)s)

-- name: list_reindex_leftovers
SELECT n.nspname, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND n.nspname !~ '^pg_'

-- name: find_detachment
SELECT inhdetachpending FROM pg_inherits WHERE inhparent = to_regclass(%(parent)s) AND inhrelid = to_regclass(%(child)s)

-- name: suspend_keys
-- On a scratch server only: keys to other tables and triggers stay out of the way, constraints of the row do not.
SET LOCAL session_replication_role = replica

-- name: find_partition
SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%s) LIMIT 1

-- name: list_own_locks
SELECT l.relation::regclass::text, l.mode FROM pg_locks l
WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation::regclass::text = ANY (%(relations)s)

-- name: list_files
SELECT c.oid::regclass::text, pg_relation_filenode(c.oid) FROM pg_class c
WHERE c.relkind IN ('r', 'm') AND c.relnamespace <> 'pg_catalog'::regnamespace AND c.relnamespace <> 'information_schema'::regnamespace

-- name: list_relation_statistics
SELECT n.nspname, c.relname, sum(p.relpages)::int, sum(greatest(p.reltuples, 0))::real, sum(p.relallvisible)::int
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN LATERAL (SELECT relid FROM pg_partition_tree(c.oid) WHERE isleaf UNION SELECT c.oid WHERE c.relkind IN ('r', 'm', 'i')) t ON true
JOIN pg_class p ON p.oid = t.relid
WHERE c.relkind IN ('r', 'm', 'i', 'p', 'I') AND NOT c.relispartition AND n.nspname !~ '^pg_'
    AND n.nspname NOT IN ('information_schema', 'aias_migrations')
GROUP BY n.nspname, c.relname HAVING bool_or(p.reltuples >= 0)

-- name: restore_relation_statistics
SELECT pg_restore_relation_stats('schemaname', x.schema, 'relname', x.name, 'relpages', x.pages, 'reltuples', x.tuples,
    'relallvisible', x.visible)
FROM (VALUES (%s::text, %s::text, %s::int, %s::real, %s::int)) x (schema, name, pages, tuples, visible)
JOIN pg_class c ON c.oid = to_regclass(format('%%I.%%I', x.schema, x.name))

-- name: list_column_statistics
SELECT schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct FROM pg_stats
WHERE schemaname !~ '^pg_' AND schemaname NOT IN ('information_schema', 'aias_migrations')

-- name: restore_column_statistics
SELECT pg_restore_attribute_stats('schemaname', x.schema, 'relname', x.name, 'attname', a.attname::text, 'inherited', x.inherited,
    'null_frac', x.null_frac, 'avg_width', x.width, 'n_distinct', x.n_distinct)
FROM (VALUES (%s::text, %s::text, %s::text, %s::bool, %s::real, %s::int, %s::real))
    x (schema, name, attname, inherited, null_frac, width, n_distinct)
JOIN pg_attribute a ON a.attrelid = to_regclass(format('%%I.%%I', x.schema, x.name)) AND a.attname = x.attname

-- name: estimate_copied_rows
SELECT name, greatest(c.reltuples, 0)::bigint FROM unnest(%(relations)s::text[]) name JOIN pg_class c ON c.oid = to_regclass(name)
