-- name: list_columns
SELECT c.relname, a.attname, format_type(a.atttypid, -1)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = to_regnamespace('aias') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped

-- name: list_keys
SELECT c.relname, array_agg(a.attname::text ORDER BY k.position)
FROM pg_constraint p
JOIN pg_class c ON c.oid = p.conrelid
CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY k (number, position)
JOIN pg_attribute a ON a.attrelid = p.conrelid AND a.attnum = k.number
WHERE p.contype = 'p' AND p.connamespace = to_regnamespace('aias')
GROUP BY c.relname

-- name: match_email_hash
(hash_kid, email_hash) IN (SELECT kid, email_hash FROM aias.user_email_hashes WHERE user_id = ANY (%(ids)s))

-- name: count_known_users
SELECT count(*) FROM aias.users WHERE user_id = %(id)s AND status <> 'erased'

-- name: anonymize_users
UPDATE aias.users SET status = 'erased', email_ciphertext = NULL, email_enc_kid = NULL, display_name = NULL,
    locale = NULL
WHERE user_id = %(id)s AND status <> 'erased'

-- name: count_known_organizations
SELECT count(*) FROM aias.organizations
WHERE org_id = %(id)s AND (status, display_name, settings) IS DISTINCT FROM ('deleted', 'erased', '{}'::jsonb)

-- name: anonymize_organizations
-- The slug stays: it is public and never given again.
UPDATE aias.organizations SET status = 'deleted', display_name = 'erased', settings = '{}', status_reason = NULL,
    purge_after = NULL, deleted_at = coalesce(deleted_at, now())
WHERE org_id = %(id)s

-- name: count_known_dim_organizations
SELECT count(*) FROM aias.dim_organizations WHERE org_id = %(id)s AND display_name <> 'erased'

-- name: anonymize_dim_organizations
-- What the copy of names would write again anyway; the earlier name goes with dim_versions.
UPDATE aias.dim_organizations SET display_name = 'erased' WHERE org_id = %(id)s

-- name: delete_usage_facts
-- In batches, each with its receipts; the numbers that sources gave them stay, so that they are no gaps.
WITH batch AS (
    SELECT event_id, org_id, occurred_at, source, source_seq FROM aias.usage_facts WHERE org_id = %(id)s ORDER BY occurred_at LIMIT 10000
), receipts AS (
    DELETE FROM aias.event_receipts r USING batch b WHERE r.event_id = b.event_id AND r.org_id = b.org_id
), noted AS (
    INSERT INTO aias.removed_events (source, source_seq, occurred_at)
    SELECT source, source_seq, occurred_at FROM batch WHERE source_seq IS NOT NULL ON CONFLICT DO NOTHING
)
DELETE FROM aias.usage_facts f USING batch b
WHERE f.event_id = b.event_id AND f.org_id = b.org_id AND f.occurred_at = b.occurred_at

-- name: pseudonymize_usage_facts
-- Hours that still have rollups are computed again, for a worker that read the facts before may write later.
WITH changed AS (
    UPDATE aias.usage_facts f SET actor_id = NULL, end_user_hash = NULL, labels = '{}', client = NULL,
        api_key_id = coalesce((
            SELECT k.pseudonym FROM unnest(%(ids)s::uuid[], %(pseudonyms)s::uuid[]) AS k (key, pseudonym)
            WHERE k.key = f.api_key_id), f.api_key_id)
    WHERE actor_id = ANY (%(ids)s) OR api_key_id = ANY (%(ids)s)
    RETURNING org_id, occurred_at
)
INSERT INTO aias.dirty_hours (bucket_start, org_id, cause)
SELECT bucket_start, org_id, gen_random_uuid() FROM (
    SELECT DISTINCT date_trunc('hour', occurred_at, 'UTC') AS bucket_start, org_id FROM changed
) hours
WHERE bucket_start >= (SELECT min(month_start) FROM aias.list_month_partitions() WHERE table_name = 'usage_hours')

-- name: rename_keys
-- Every table gives a key the same pseudonym, so that sums by key stay what they were.
UPDATE {table} t SET api_key_id = k.pseudonym
FROM unnest(%(ids)s::uuid[], %(pseudonyms)s::uuid[]) AS k (key, pseudonym) WHERE t.api_key_id = k.key

-- name: pseudonymize_statement_lines
UPDATE aias.statement_lines SET org_id = %(pseudonym)s, org_slug = NULL, org_name = NULL, project_name = NULL
WHERE org_id = %(id)s

-- name: pseudonymize_month_closes
-- In the totals of all organizations, and in what a restatement changed.
UPDATE aias.month_closes SET
    totals = replace(replace(totals::text, %(id)s::text, %(pseudonym)s::text), %(slug)s, '"org_slug": null')::jsonb,
    diff = replace(diff::text, %(id)s::text, %(pseudonym)s::text)::jsonb
WHERE coalesce(totals::text, '') ~* %(pattern)s OR coalesce(diff::text, '') ~* %(pattern)s

-- name: list_statements
SELECT l.month::text, l.version, count(*), encode(c.content_sha256, 'hex'),
    encode(sha256(convert_to(string_agg(to_jsonb(l)::text, E'\n' ORDER BY l.line_no), 'UTF8')), 'hex')
FROM aias.statement_lines l JOIN aias.month_closes c USING (month, version)
WHERE l.org_id = %(pseudonym)s
GROUP BY l.month, l.version, c.content_sha256 ORDER BY l.month, l.version

-- name: find_organization
SELECT org_id FROM aias.organizations WHERE org_id::text = lower(%(name)s) OR slug = %(name)s

-- name: find_user
SELECT user_id FROM aias.users WHERE user_id::text = lower(%(name)s)

-- name: read_slug
SELECT slug FROM aias.organizations WHERE org_id = %(id)s

-- name: list_keys_of_user
-- The request remembers those that its own run has removed.
SELECT api_key_id FROM aias.api_keys WHERE user_id = %(id)s
UNION
SELECT key::uuid FROM aias.erasure_requests, jsonb_array_elements_text(progress -> 'keys') AS key
WHERE subject_kind = 'user' AND subject_id = %(id)s

-- name: list_copied_keys_of_user
SELECT api_key_id FROM aias.dim_keys WHERE holder_id = %(id)s

-- name: list_orphaned_organizations
-- Active organizations whose only active owner the person is.
SELECT o.slug FROM aias.memberships m JOIN aias.organizations o USING (org_id)
WHERE m.user_id = %(id)s AND m.role = 'owner' AND m.status = 'active' AND o.status = 'active' AND NOT EXISTS (
    SELECT FROM aias.memberships x
    WHERE x.org_id = m.org_id AND x.user_id <> m.user_id AND x.role = 'owner' AND x.status = 'active')
ORDER BY 1

-- name: suspend_orphaned_organizations
-- Only in a copy that stands before the erasure: those who own them today joined later than it.
UPDATE aias.organizations o SET status = 'suspended', status_reason = 'owner_erased', suspended_at = now()
WHERE o.status = 'active'
    AND o.org_id IN (
        SELECT m.org_id FROM aias.memberships m
        WHERE m.user_id = %(id)s AND m.role = 'owner' AND m.status = 'active')
    AND NOT EXISTS (
        SELECT FROM aias.memberships x
        WHERE x.org_id = o.org_id AND x.user_id <> %(id)s AND x.role = 'owner' AND x.status = 'active')
RETURNING o.org_id

-- name: find_request
SELECT request_id, ticket, subject_kind, subject_id, legal_basis, status, created_at, impact, progress, certificate
FROM aias.erasure_requests WHERE ticket = %(ticket)s FOR UPDATE

-- name: find_request_by_id
SELECT request_id, ticket, subject_kind, subject_id, legal_basis, status, created_at, impact, progress, certificate
FROM aias.erasure_requests WHERE request_id = %(request_id)s

-- name: find_other_ticket
SELECT ticket FROM aias.erasure_requests
WHERE subject_kind = %(kind)s AND subject_id = %(id)s AND ticket <> %(ticket)s AND status <> 'rejected'

-- name: insert_request
INSERT INTO aias.erasure_requests (request_id, ticket, subject_kind, subject_id, legal_basis, requested_by, due_at)
VALUES (%(request_id)s, %(ticket)s, %(kind)s, %(id)s, %(legal_basis)s, %(actor)s, now() + interval '30 days')

-- name: start_request
UPDATE aias.erasure_requests SET status = 'running', progress = %(progress)s WHERE request_id = %(request_id)s

-- name: insert_tombstone
INSERT INTO aias.erasure_tombstones (subject_kind, subject_id, erased_at, request_id)
VALUES (%(kind)s, %(id)s, now(), %(request_id)s) ON CONFLICT DO NOTHING

-- name: close_user
UPDATE aias.users SET status = 'suspended', epoch = epoch + 1, deleted_at = coalesce(deleted_at, now())
WHERE user_id = %(id)s AND status <> 'erased'

-- name: close_organization
UPDATE aias.organizations SET status = 'deleted', deleted_at = coalesce(deleted_at, now()) WHERE org_id = %(id)s

-- name: revoke_keys
WITH revoked AS (
    UPDATE aias.api_keys SET status = 'revoked', revoked_at = now(), revoked_by = %(actor)s, revoke_reason = 'erasure'
    WHERE (org_id = %(id)s OR user_id = %(id)s) AND status <> 'revoked'
    RETURNING api_key_id, org_id
)
INSERT INTO aias.revocations (kind, subject_id, org_id, reason)
SELECT 'api_key', api_key_id::text, org_id, 'erasure' FROM revoked

-- name: announce_end
INSERT INTO aias.revocations (kind, subject_id, org_id, reason)
VALUES (%(kind)s, %(id)s::text, CASE %(kind)s WHEN 'organization' THEN %(id)s::uuid END, 'erasure')

-- name: insert_erased_subjects
INSERT INTO aias.erased_subjects (subject_kind, subject_id, erased_at)
SELECT kind, id, now() FROM unnest(%(kinds)s::text[], %(ids)s::uuid[]) AS subjects (kind, id)
ON CONFLICT DO NOTHING

-- name: read_next_transaction
SELECT pg_snapshot_xmax(pg_current_snapshot())::text

-- name: have_ended
SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %(transaction)s::xid8

-- name: list_running_exports
-- Its own and those of all organizations; one that begins later reads nothing of it any more.
SELECT job_id FROM aias.export_jobs WHERE status = 'running' AND (org_id IS NULL OR org_id = %(id)s)

-- name: list_running_of
SELECT job_id FROM aias.export_jobs WHERE job_id = ANY (%(jobs)s::uuid[]) AND status = 'running' ORDER BY job_id

-- name: save_impact
UPDATE aias.erasure_requests SET impact = %(impact)s WHERE request_id = %(request_id)s AND impact IS NULL

-- name: complete_request
UPDATE aias.erasure_requests SET status = 'completed', certificate = %(certificate)s, completed_at = %(completed_at)s
WHERE request_id = %(request_id)s AND status = 'running'

-- name: list_export_objects
SELECT object_key FROM aias.export_jobs WHERE org_id = %(id)s AND object_key IS NOT NULL

-- name: list_audit_export_objects
SELECT object_key FROM aias.audit_exports WHERE org_id = %(id)s AND object_key IS NOT NULL

-- name: list_searched_buckets
SELECT bucket FROM aias.erasure_requests, jsonb_array_elements_text(impact -> 'buckets') AS bucket
WHERE subject_kind = %(kind)s AND subject_id = %(id)s

-- name: has_tombstone
SELECT EXISTS (SELECT FROM aias.erasure_tombstones WHERE subject_kind = %(kind)s AND subject_id = %(id)s)

-- name: has_erased_subject
SELECT EXISTS (SELECT FROM aias.erased_subjects WHERE subject_kind = %(kind)s AND subject_id = %(id)s)

-- name: restore_request
-- What a copy knows of the same request may be older; a certificate is never taken back.
INSERT INTO aias.erasure_requests AS r SELECT (jsonb_populate_record(NULL::aias.erasure_requests, %(record)s)).*
ON CONFLICT (request_id) DO UPDATE SET status = excluded.status, impact = excluded.impact, progress = excluded.progress,
    certificate = excluded.certificate, completed_at = excluded.completed_at
WHERE r.status <> 'completed'

-- name: find_different_request
SELECT ticket FROM aias.erasure_requests
WHERE (request_id = %(request_id)s OR ticket = %(ticket)s) AND (
    (request_id, ticket, subject_kind, subject_id) <> (%(request_id)s, %(ticket)s, %(subject_kind)s, %(subject_id)s)
    OR certificate <> %(certificate)s)
