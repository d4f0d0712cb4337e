-- name: list_keys
SELECT kid, purpose, status, fingerprint FROM aias.hash_keys ORDER BY kid

-- name: find_key
SELECT purpose, status, fingerprint FROM aias.hash_keys WHERE kid = %s

-- name: insert_key
INSERT INTO aias.hash_keys (kid, purpose, status, fingerprint)
SELECT %(kid)s, %(purpose)s,
    CASE WHEN EXISTS (SELECT FROM aias.hash_keys WHERE purpose = %(purpose)s AND status = 'active')
        THEN 'accepting' ELSE 'active' END,
    %(fingerprint)s
ON CONFLICT (kid) DO NOTHING

-- name: hold_live_keys
-- A rotation that begins waits for whoever holds this lock, and whoever comes after it sees the new key.
SELECT kid FROM aias.hash_keys WHERE purpose = 'email' AND status = 'active' FOR KEY SHARE

-- name: list_live_email_keys
SELECT kid FROM aias.hash_keys WHERE purpose = 'email' AND status <> 'retired' ORDER BY kid

-- name: stop_writers
SELECT kid FROM aias.hash_keys WHERE purpose = 'email' AND status = 'active' FOR UPDATE

-- name: open_rotation
INSERT INTO aias.hash_rotations (rotation_id, from_kid, to_kid) VALUES (%(rotation_id)s, %(from_kid)s, %(to_kid)s)
ON CONFLICT (to_kid) WHERE finished_at IS NULL DO NOTHING

-- name: find_rotation
SELECT rotation_id, last_user_id, rows_done FROM aias.hash_rotations
WHERE (from_kid, to_kid) = (%(from_kid)s, %(to_kid)s) AND finished_at IS NULL

-- name: count_missing
SELECT count(*) FROM aias.users u
WHERE u.email_ciphertext IS NOT NULL
    AND NOT EXISTS (SELECT FROM aias.user_email_hashes h WHERE h.user_id = u.user_id AND h.kid = %(to_kid)s)

-- name: list_batch
-- The lock keeps an address from being changed or erased between its reading and the writing of its digest.
SELECT u.user_id, u.email_ciphertext, u.email_enc_kid FROM aias.users u
WHERE u.user_id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000') AND u.email_ciphertext IS NOT NULL
    AND NOT EXISTS (SELECT FROM aias.user_email_hashes h WHERE h.user_id = u.user_id AND h.kid = %(to_kid)s)
ORDER BY u.user_id LIMIT %(batch)s FOR SHARE OF u

-- name: insert_email_hash
INSERT INTO aias.user_email_hashes (kid, email_hash, user_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING

-- name: advance_rotation
UPDATE aias.hash_rotations SET last_user_id = %(last_user_id)s, rows_done = %(rows_done)s
WHERE rotation_id = %(rotation_id)s

-- name: finish_rotation
UPDATE aias.hash_rotations SET finished_at = now() WHERE rotation_id = %s

-- name: demote_other_keys
UPDATE aias.hash_keys SET status = 'accepting' WHERE purpose = 'email' AND status = 'active' AND kid <> %s

-- name: demote_key
UPDATE aias.hash_keys SET status = 'accepting' WHERE kid = %s

-- name: promote_key
UPDATE aias.hash_keys SET status = 'active' WHERE kid = %s AND status <> 'active'

-- name: list_uses
-- What is found by a key and by no other one. An invite keeps its digest for as long as it is kept, for erasure to find it.
SELECT 'people', count(*) FROM aias.user_email_hashes h
WHERE h.kid = %(kid)s AND NOT EXISTS (SELECT FROM aias.user_email_hashes o JOIN aias.hash_keys k USING (kid)
    WHERE o.user_id = h.user_id AND k.status = 'active')
UNION ALL SELECT 'invites', count(*) FROM aias.invites WHERE hash_kid = %(kid)s
UNION ALL SELECT 'API keys', count(*) FROM aias.api_keys
WHERE hash_kid = %(kid)s AND status <> 'revoked' AND (expires_at IS NULL OR expires_at > now())
UNION ALL SELECT 'OAuth clients', count(*) FROM aias.oauth_clients WHERE hash_kid = %(kid)s AND status <> 'deleted'
UNION ALL SELECT 'secrets of service accounts', count(*) FROM aias.service_account_credentials
WHERE hash_kid = %(kid)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())

-- name: retire_key
UPDATE aias.hash_keys SET status = 'retired', retired_at = now() WHERE kid = %s

-- name: delete_digests
DELETE FROM aias.user_email_hashes WHERE kid = %(kid)s AND email_hash IN (
    SELECT email_hash FROM aias.user_email_hashes WHERE kid = %(kid)s LIMIT %(batch)s)
