-- name: has_log
SELECT to_regclass('aias.audit_log') IS NOT NULL

-- name: find_record
SELECT seq FROM aias.audit_log WHERE audit_id = %s

-- name: lock_head
SELECT seq, hash FROM aias.audit_heads WHERE chain = %s FOR UPDATE

-- name: read_head
SELECT seq, hash, anchor_seq, anchor_hash FROM aias.audit_heads WHERE chain = %s

-- name: insert_record
-- The database refuses a record that does not follow the last one and moves the head itself.
INSERT INTO aias.audit_log (chain, seq, audit_id, occurred_at, recorded_at, actor_type, actor_id, action, outcome, target_type,
    target_id, org_id, reason, details, prev_hash, hash)
VALUES (%(chain)s, %(seq)s, %(audit_id)s, %(occurred_at)s, %(recorded_at)s, %(actor_type)s, %(actor_id)s, %(action)s, %(outcome)s,
    %(target_type)s, %(target_id)s, %(org_id)s, %(reason)s, %(details)s, %(prev_hash)s, %(hash)s)

-- name: list_records
SELECT chain, seq, audit_id, occurred_at, recorded_at, actor_type, actor_id, action, outcome, target_type, target_id, org_id, reason,
    details, prev_hash, hash
FROM aias.audit_log WHERE chain = %s ORDER BY seq

-- name: list_recent
SELECT seq, occurred_at, actor_id, action, target_id, outcome, reason FROM aias.audit_log
WHERE chain = %s AND action LIKE 'db.%%' ORDER BY seq DESC LIMIT %s
