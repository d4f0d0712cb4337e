-- name: insert_organization
INSERT INTO aias.organizations (org_id, slug, display_name, kind, currency)
VALUES (%(org_id)s, %(slug)s, %(display_name)s, %(kind)s, %(currency)s)
RETURNING org_id, slug, display_name, kind, status, currency, created_at

-- name: list_organizations
SELECT org_id, slug, display_name, kind, status, currency, created_at FROM aias.organizations ORDER BY slug

-- name: find_organization
SELECT org_id, slug, display_name, kind, status, currency, created_at FROM aias.organizations
WHERE slug = %(org)s OR org_id::text = lower(%(org)s)

-- name: insert_key
INSERT INTO aias.api_keys (api_key_id, org_id, name, prefix, last4, secret_hash, hash_kid, scopes, expires_at)
VALUES (%(api_key_id)s, %(org_id)s, %(name)s, %(prefix)s, %(last4)s, %(secret_hash)s, %(hash_kid)s, %(scopes)s,
    %(expires_at)s)
RETURNING api_key_id, name, prefix, last4, scopes, status, expires_at, created_at

-- name: list_keys
SELECT api_key_id, name, prefix, last4, scopes, status, expires_at, created_at FROM aias.api_keys
WHERE org_id = %(org_id)s ORDER BY created_at DESC, api_key_id

-- name: resolve_key
-- One index probe per live hashing key. An expired or revoked key looks like one that never was.
SELECT k.api_key_id, k.org_id, o.slug AS org_slug, o.status AS org_status, k.scopes, k.allowed_models, k.expires_at
FROM aias.api_keys k JOIN aias.organizations o USING (org_id)
WHERE (k.hash_kid, k.secret_hash) = (%(hash_kid)s, %(secret_hash)s)
    AND k.status IN ('active', 'rotating') AND (k.expires_at IS NULL OR k.expires_at > now())
