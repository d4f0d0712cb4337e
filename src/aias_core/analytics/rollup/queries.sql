-- name: read_clock
SELECT clock_timestamp()

-- name: find_dirty_hours
-- Newest first, passing over buckets that another worker holds; the locks last as long as the transaction. Buckets
-- before `recent` wait until they are `due`, so that late events gather.
SELECT bucket_start, org_id FROM (
    SELECT bucket_start, org_id FROM aias.dirty_hours GROUP BY bucket_start, org_id
    HAVING min(enqueued_at) <= CASE WHEN bucket_start >= %(recent)s THEN %(until)s ELSE %(due)s END
    ORDER BY bucket_start DESC, org_id OFFSET 0
) queue
WHERE pg_try_advisory_xact_lock(hashtextextended(org_id::text || bucket_start::text, 1))
LIMIT %(limit)s

-- name: take_dirty_hours
DELETE FROM aias.dirty_hours q
USING unnest(%(buckets)s::timestamptz[], %(orgs)s::uuid[]) AS found (bucket_start, org_id)
WHERE q.bucket_start = found.bucket_start AND q.org_id = found.org_id
RETURNING q.bucket_start, q.org_id

-- name: enqueue_days
INSERT INTO aias.dirty_days (bucket_start, org_id, cause)
SELECT date_trunc('day', %(bucket_start)s::timestamptz, 'UTC'), org_id, %(run_id)s
FROM unnest(%(orgs)s::uuid[]) AS org_id

-- name: find_dirty_days
SELECT bucket_start, org_id FROM (
    SELECT bucket_start, org_id FROM aias.dirty_days GROUP BY bucket_start, org_id HAVING min(enqueued_at) <= %(until)s
    ORDER BY bucket_start DESC, org_id OFFSET 0
) queue
WHERE pg_try_advisory_xact_lock(hashtextextended(org_id::text || bucket_start::text, 2))
LIMIT %(limit)s

-- name: take_dirty_days
DELETE FROM aias.dirty_days q
USING unnest(%(buckets)s::timestamptz[], %(orgs)s::uuid[]) AS found (bucket_start, org_id)
WHERE q.bucket_start = found.bucket_start AND q.org_id = found.org_id
RETURNING q.bucket_start, q.org_id

-- name: ensure_hours
SELECT aias.ensure_month_partitions(date_trunc('month', %(bucket_start)s::timestamptz, 'UTC'), 1)

-- name: lock_hours
-- As find_dirty_hours does, but waiting: no worker that holds one waits for us.
SELECT pg_advisory_xact_lock(hashtextextended(org_id::text || hour::text, 1))
FROM unnest(%(orgs)s::uuid[]) AS org_id, generate_series(
    %(bucket_start)s::timestamptz, %(bucket_start)s::timestamptz + interval '23 hours', interval '1 hour') AS hour

-- name: enqueue_window
-- Every bucket of a window that holds facts, or rows that facts once gave.
INSERT INTO aias.dirty_hours (bucket_start, org_id, cause)
SELECT date_trunc('hour', occurred_at, 'UTC'), org_id, %(run_id)s FROM aias.usage_facts
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
UNION
SELECT bucket_start, org_id, %(run_id)s FROM aias.usage_hours
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: enqueue_window_days
INSERT INTO aias.dirty_days (bucket_start, org_id, cause)
SELECT date_trunc('day', bucket_start, 'UTC'), org_id, %(run_id)s FROM aias.usage_hours
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
UNION
SELECT bucket_start, org_id, %(run_id)s FROM aias.usage_days
WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)

-- name: list_window
WITH hours AS (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS bucket_start, org_id FROM aias.usage_facts
    WHERE occurred_at >= %(start)s AND occurred_at < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
    UNION
    SELECT bucket_start, org_id FROM aias.usage_hours
    WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
), days AS (
    SELECT date_trunc('day', bucket_start, 'UTC') AS bucket_start, org_id FROM hours
    UNION
    SELECT bucket_start, org_id FROM aias.usage_days
    WHERE bucket_start >= %(start)s AND bucket_start < %(end)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s)
)
SELECT 'hour' AS grain, bucket_start, org_id FROM hours WHERE 'hour' = ANY(%(grains)s)
UNION ALL
SELECT 'day', bucket_start, org_id FROM days WHERE 'day' = ANY(%(grains)s)
ORDER BY 1 DESC, 2, 3

-- name: list_dirty
SELECT 'hour' AS grain, bucket_start, org_id, count(*) AS entries, min(enqueued_at) AS since
FROM aias.dirty_hours GROUP BY 2, 3
UNION ALL
SELECT 'day', bucket_start, org_id, count(*), min(enqueued_at) FROM aias.dirty_days GROUP BY 2, 3
ORDER BY 1 DESC, 2, 3

-- name: insert_rollup_run
INSERT INTO aias.rollup_runs (run_id, started_at, finished_at, hours, days, written, removed, source_rows, trigger)
VALUES (%(run_id)s, %(started_at)s, clock_timestamp(), %(hours)s, %(days)s, %(written)s, %(removed)s, %(source_rows)s,
    %(trigger)s)

-- name: count_dirty
SELECT (SELECT count(*) FROM aias.dirty_hours) + (SELECT count(*) FROM aias.dirty_days)

-- name: lock_rebuilds
-- Of the session, so that it is gone with a killed run.
SELECT pg_try_advisory_lock(hashtextextended('aias.rollup_rebuilds', 0))

-- name: unlock_rebuilds
SELECT pg_advisory_unlock(hashtextextended('aias.rollup_rebuilds', 0))

-- name: insert_rebuild
INSERT INTO aias.rollup_rebuilds (rebuild_id, starts_at, ends_at, checkpoint, requested_by)
VALUES (%(rebuild_id)s, %(start)s, %(end)s, %(start)s, %(requested_by)s)

-- name: find_rebuild
SELECT rebuild_id, checkpoint FROM aias.rollup_rebuilds
WHERE starts_at = %s AND ends_at = %s AND state IN ('running', 'paused') ORDER BY created_at DESC LIMIT 1

-- name: save_rebuild
UPDATE aias.rollup_rebuilds SET checkpoint = %s, state = %s WHERE rebuild_id = %s
