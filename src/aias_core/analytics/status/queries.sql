-- name: count_dirty
SELECT 'hour' AS grain, count(DISTINCT (bucket_start, org_id)), min(enqueued_at) FROM aias.dirty_hours
UNION ALL
SELECT 'day', count(DISTINCT (bucket_start, org_id)), min(enqueued_at) FROM aias.dirty_days

-- name: count_letters
SELECT reason, count(*) FROM aias.dead_letters WHERE state = 'open' GROUP BY reason ORDER BY reason

-- name: count_costs
-- By the partial index of facts whose cost is not proven.
SELECT cost_check, count(*) FROM aias.usage_facts WHERE cost_check <> 'ok' GROUP BY cost_check

-- name: list_last_runs
-- Each grain's last pass that did something.
SELECT grain, r.* FROM unnest(ARRAY['hour', 'day']) AS grain CROSS JOIN LATERAL (
    SELECT finished_at, extract(epoch FROM finished_at - started_at)::float AS seconds, outcome
    FROM aias.rollup_runs WHERE CASE grain WHEN 'hour' THEN hours ELSE days END > 0 ORDER BY started_at DESC LIMIT 1
) r

-- name: list_last_reconciliations
-- The newest run of each scope that found a difference, until a later one of at least its window found none; else the
-- newest run. One of all scopes counts for each.
SELECT DISTINCT ON (wanted.scope) wanted.scope, r.run_id, r.finished_at, r.verdict, r.differences
FROM unnest(ARRAY['sources', 'rollups', 'statements']) AS wanted (scope) CROSS JOIN LATERAL (
    SELECT * FROM aias.reconcile_runs x
    WHERE x.scope IN (wanted.scope, 'all') AND NOT (x.differences > 0 AND EXISTS (
        SELECT FROM aias.reconcile_runs later
        WHERE later.scope IN (wanted.scope, 'all') AND later.started_at > x.started_at AND later.differences = 0
            AND later.window_start <= x.window_start AND later.window_end >= x.window_end))
) r
ORDER BY wanted.scope, r.differences > 0 DESC, r.started_at DESC

-- name: sum_deltas
SELECT comparison, metric, sum(abs(coalesce(expected, 0) - coalesce(found, 0)))
FROM aias.reconcile_findings WHERE run_id = ANY (%(runs)s) GROUP BY comparison, metric

-- name: read_partitions
-- The first instant from this month on for which a partitioned table has no partition, and the rows that found none.
WITH made AS MATERIALIZED (SELECT table_name, month_start FROM aias.list_month_partitions())
SELECT min(month), aias.count_default_rows()
FROM aias.partition_lifetimes()
CROSS JOIN generate_series(date_trunc('month', now()), now() + interval '13 months', interval '1 month') AS month
WHERE (table_name, month) NOT IN (SELECT table_name, month_start FROM made)

-- name: count_active_organizations
-- Organizations, and those of them with events in this hour or the one before.
SELECT (SELECT count(*) FROM aias.dim_organizations), (SELECT count(DISTINCT org_id) FROM aias.usage_hours
    WHERE bucket_start >= date_bin('1 hour', now(), 'epoch') - interval '1 hour')

-- name: count_jobs
SELECT status, count(*), min(created_at) FILTER (WHERE status = 'pending') FROM aias.export_jobs GROUP BY status

-- name: count_unclosed_months
-- Months that are over for three days, have usage and no statement.
SELECT count(*) FROM generate_series(
    date_trunc('month', now() - interval '13 months'), date_trunc('month', now() - interval '72 hours') - interval '1 month',
    interval '1 month') AS month
WHERE NOT EXISTS (SELECT FROM aias.month_closes c WHERE c.month = month.month::date)
    AND EXISTS (SELECT FROM aias.usage_days d WHERE d.bucket_start >= month AND d.bucket_start < month + interval '1 month')

-- name: list_batches_since
SELECT committed_at, extract(epoch FROM committed_at - started_at)::float FROM aias.ingest_batches
WHERE committed_at > %(since)s AND started_at IS NOT NULL

-- name: list_rollups_since
SELECT finished_at, extract(epoch FROM finished_at - started_at)::float, written FROM aias.rollup_runs
WHERE started_at > %(since)s - interval '1 hour' AND finished_at > %(since)s

-- name: list_exports_since
SELECT finished_at, extract(epoch FROM finished_at - created_at)::float FROM aias.export_jobs
WHERE finished_at > %(since)s AND status = 'succeeded'
