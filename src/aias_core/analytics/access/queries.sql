-- name: insert_record
INSERT INTO aias.access_records (audit_id, occurred_at, actor_type, actor_id, actor_role, org_id, action, target_type,
    target_id, outcome, reason, request_id, details)
VALUES (%(audit_id)s, %(occurred_at)s, %(actor_type)s, %(actor_id)s, %(actor_role)s, %(org_id)s, %(action)s,
    %(target_type)s, %(target_id)s, %(outcome)s, %(reason)s, %(request_id)s, %(details)s)

-- name: list_undelivered
SELECT audit_id, occurred_at, actor_type, actor_id, actor_role, org_id, action, target_type, target_id, outcome,
    reason, request_id, details
FROM aias.access_records WHERE delivered_at IS NULL ORDER BY occurred_at, audit_id LIMIT %(limit)s

-- name: mark_delivered
UPDATE aias.access_records SET delivered_at = now() WHERE audit_id = ANY(%(ids)s) AND delivered_at IS NULL
