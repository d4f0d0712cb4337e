-- name: insert_job
INSERT INTO aias.export_jobs (job_id, org_id, requested_by, kind, format, compression, window_start, window_end,
    granularity, filters, statement_version, delivery, idempotency_key)
VALUES (%(job_id)s, %(org_id)s, %(requested_by)s, %(kind)s, %(format)s, %(compression)s, %(window_start)s,
    %(window_end)s, %(granularity)s, %(filters)s, %(statement_version)s, %(delivery)s, %(idempotency_key)s)
ON CONFLICT (requested_by, idempotency_key) DO NOTHING
RETURNING job_id

-- name: notify_workers
SELECT pg_notify(%(channel)s, %(job_id)s::text)

-- name: find_by_key
SELECT job_id FROM aias.export_jobs WHERE requested_by = %(requested_by)s AND idempotency_key = %(idempotency_key)s

-- name: count_unfinished
SELECT count(*) FROM aias.export_jobs WHERE status IN ('pending', 'running') AND org_id IS NOT DISTINCT FROM %(org_id)s

-- name: claim_job
-- The oldest job that waits, or whose worker has died; after a failure it waits twice as long each time.
UPDATE aias.export_jobs SET status = 'running', attempts = attempts + 1, fence = fence + 1, lease_holder = %(holder)s,
    lease_until = clock_timestamp() + %(lease)s, error_code = NULL, error_message = NULL
WHERE job_id = (
    SELECT job_id FROM aias.export_jobs
    WHERE attempts < 5 AND (
        status = 'pending'
            AND (attempts = 0 OR updated_at + %(pause)s * 2 ^ (attempts - 1) <= clock_timestamp())
        OR status = 'running' AND lease_until < clock_timestamp()
    )
    ORDER BY created_at
    FOR UPDATE SKIP LOCKED LIMIT 1
)
RETURNING *

-- name: give_up_exhausted
-- A job whose worker has died for the fifth time.
UPDATE aias.export_jobs SET status = 'failed', lease_holder = NULL, lease_until = NULL, finished_at = clock_timestamp(),
    error_code = 'worker_lost', error_message = 'Its workers have died five times'
WHERE status = 'running' AND attempts >= 5 AND lease_until < clock_timestamp()
RETURNING *

-- name: renew_lease
UPDATE aias.export_jobs SET lease_until = clock_timestamp() + %(lease)s
WHERE job_id = %(job_id)s AND fence = %(fence)s AND status = 'running'

-- name: lock_leased
-- While the row is locked nobody claims, cancels or retries the job, even when its lease ends meanwhile.
SELECT true FROM aias.export_jobs WHERE job_id = %(job_id)s AND fence = %(fence)s AND status = 'running' FOR UPDATE

-- name: lock_in
SELECT true FROM aias.export_jobs WHERE job_id = %(job_id)s AND status = ANY (%(statuses)s) FOR UPDATE

-- name: finish_job
UPDATE aias.export_jobs SET status = 'succeeded', lease_holder = NULL, lease_until = NULL, object_key = %(object_key)s,
    bytes = %(bytes)s, row_count = %(row_count)s, sha256 = decode(%(sha256)s, 'hex'),
    content_sha256 = decode(%(content_sha256)s, 'hex'), manifest = %(manifest)s, finished_at = statement_timestamp(),
    expires_at = statement_timestamp() + %(lifetime)s
WHERE job_id = %(job_id)s AND fence = %(fence)s AND status = 'running'

-- name: fail_job
UPDATE aias.export_jobs SET status = CASE WHEN %(retry)s AND attempts < 5 THEN 'pending' ELSE 'failed' END,
    lease_holder = NULL, lease_until = NULL, error_code = %(error_code)s, error_message = %(error_message)s,
    finished_at = CASE WHEN %(retry)s AND attempts < 5 THEN NULL ELSE clock_timestamp() END
WHERE job_id = %(job_id)s AND fence = %(fence)s AND status = 'running'

-- name: release_job
UPDATE aias.export_jobs SET status = 'pending', attempts = attempts - 1, lease_holder = NULL, lease_until = NULL
WHERE job_id = %(job_id)s AND fence = %(fence)s AND status = 'running'

-- name: cancel_job
UPDATE aias.export_jobs SET status = 'cancelled', lease_holder = NULL, lease_until = NULL,
    finished_at = clock_timestamp()
WHERE job_id = %(job_id)s AND status IN ('pending', 'running')
RETURNING *

-- name: retry_job
UPDATE aias.export_jobs SET status = 'pending', attempts = 0, finished_at = NULL
WHERE job_id = %(job_id)s AND status IN ('failed', 'cancelled')
RETURNING *

-- name: find_job
SELECT * FROM aias.export_jobs
WHERE job_id = %(job_id)s AND (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s::uuid)

-- name: list_jobs
-- Newest first; the cursor is the last job of the page before.
SELECT * FROM aias.export_jobs
WHERE (%(org_id)s::uuid IS NULL OR org_id = %(org_id)s::uuid) AND (%(status)s::text IS NULL OR status = %(status)s::text)
    AND (%(after)s::uuid IS NULL OR job_id < %(after)s::uuid)
ORDER BY job_id DESC LIMIT %(limit)s

-- name: list_expired
SELECT * FROM aias.export_jobs WHERE status = 'succeeded' AND expires_at <= %(now)s ORDER BY expires_at

-- name: expire_job
UPDATE aias.export_jobs SET status = 'expired' WHERE job_id = %(job_id)s AND status = 'succeeded'

-- name: list_buckets
-- Every bucket in which something of a job may be; what has expired is gone.
SELECT DISTINCT delivery ->> 'bucket' FROM aias.export_jobs
WHERE status <> 'expired' AND delivery ->> 'bucket' IS NOT NULL

-- name: list_jobs_in
SELECT job_id FROM aias.export_jobs WHERE status = ANY (%(statuses)s)
