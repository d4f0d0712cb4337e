-- name: create_history
CREATE SCHEMA IF NOT EXISTS aias_migrations;
CREATE TABLE IF NOT EXISTS aias_migrations.history (
    version text NOT NULL,
    slug text NOT NULL,
    checksum_up text NOT NULL,
    checksum_down text NOT NULL,
    applied_at timestamptz NOT NULL,
    applied_by text NOT NULL,
    run_id uuid NOT NULL,
    duration_ms int NOT NULL,
    tool_version text NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (version)
)

-- name: has_history
SELECT to_regclass('aias_migrations.history') IS NOT NULL

-- name: list_history
SELECT version, slug, checksum_up, applied_at, applied_by FROM aias_migrations.history ORDER BY version

-- name: insert_history
INSERT INTO aias_migrations.history
    (version, slug, checksum_up, checksum_down, applied_at, applied_by, run_id, duration_ms, tool_version)
VALUES (%(version)s, %(slug)s, %(checksum_up)s, %(checksum_down)s, now(), session_user, %(run_id)s, %(duration_ms)s,
    %(tool_version)s)

-- name: delete_history
DELETE FROM aias_migrations.history WHERE version = %(version)s

-- name: try_lock
SELECT pg_try_advisory_lock(7165400185301)

-- name: find_lock_holder
SELECT a.pid, a.application_name, a.usename, a.backend_start
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((l.classid::bigint << 32) | l.objid::bigint) = 7165400185301
