-- name: try_lock
SELECT pg_try_advisory_lock(hashtextextended('aias removes data', 0))

-- name: list_holds
SELECT hold_id, subject_kind, subject_id, reason, placed_by, created_at, released_at FROM aias.legal_holds
WHERE %(released)s OR released_at IS NULL
UNION ALL
SELECT NULL, 'organization', org_id, 'its legal_hold is set', 'platform', updated_at, NULL FROM aias.organizations
WHERE legal_hold
ORDER BY created_at

-- name: list_related_to_user
SELECT org_id FROM aias.memberships WHERE user_id = %(id)s
UNION
SELECT org_id FROM aias.api_keys WHERE user_id = %(id)s

-- name: list_related_to_organization
SELECT user_id FROM aias.memberships WHERE org_id = %(id)s
UNION
SELECT user_id FROM aias.api_keys WHERE org_id = %(id)s AND user_id IS NOT NULL

-- name: find_user
SELECT EXISTS (SELECT FROM aias.erasure_tombstones WHERE subject_id = user_id) FROM aias.users WHERE user_id = %(id)s

-- name: find_organization
SELECT EXISTS (SELECT FROM aias.erasure_tombstones WHERE subject_id = org_id) FROM aias.organizations
WHERE org_id = %(id)s

-- name: insert_hold
INSERT INTO aias.legal_holds (hold_id, subject_kind, subject_id, reason, placed_by, created_at)
VALUES (%(hold_id)s, %(subject_kind)s, %(subject_id)s, %(reason)s, %(placed_by)s, %(created_at)s)

-- name: release_hold
UPDATE aias.legal_holds SET released_at = now(), released_by = %(released_by)s WHERE hold_id = %(hold_id)s

-- name: list_held_subjects
SELECT subject_id FROM aias.list_held_subjects()

-- name: count_operational
SELECT table_name, NULL, purge, rows, bytes, held, 'hold' FROM aias.count_expired(%(as_of)s)

-- name: count_audit
SELECT 'audit_log', chain, 'delete', rows, bytes, unsealed, 'not sealed in object storage'
FROM aias.list_sealed_audit(%(as_of)s)

-- name: count_analytics
SELECT table_name, NULL, coalesce('with ' || goes_with, 'delete'), rows, bytes, held, 'hold'
FROM aias.count_expired(%(as_of)s, %(held)s)

-- name: count_partitions
SELECT table_name, partition_name, 'drop_partition', CASE held WHEN 0 THEN rows ELSE 0 END,
    CASE held WHEN 0 THEN bytes ELSE 0 END, held, 'hold'
FROM aias.count_expired_partitions(%(as_of)s, %(held)s)

-- name: purge_operational
SELECT aias.purge_expired(%(table)s, %(as_of)s, %(limit)s)

-- name: purge_users
SELECT aias.anonymize_users(%(as_of)s, %(limit)s)

-- name: purge_audit
SELECT aias.purge_audit_log(%(part)s, %(as_of)s, %(limit)s)

-- name: purge_analytics
SELECT aias.purge_expired(%(table)s, %(as_of)s, %(limit)s, %(held)s)

-- name: drop_partition
SELECT aias.drop_expired_partitions(%(as_of)s, 1, %(held)s)

-- name: list_references
SELECT c.relname, p.relname FROM pg_constraint f
JOIN pg_class c ON c.oid = f.conrelid
JOIN pg_class p ON p.oid = f.confrelid
WHERE f.contype = 'f' AND f.connamespace = 'aias'::regnamespace AND f.conrelid <> f.confrelid
ORDER BY 1, 2

-- name: list_partitions
SELECT table_name, partition_name, month_start, bytes FROM aias.list_month_partitions()

-- name: list_partitioned_tables
SELECT table_name FROM aias.partition_lifetimes() ORDER BY 1

-- name: count_default_rows
SELECT aias.count_default_rows()

-- name: ensure_partitions
SELECT aias.ensure_month_partitions(%(start)s, %(months)s)

-- name: spread_default_rows
SELECT aias.spread_default_rows()
