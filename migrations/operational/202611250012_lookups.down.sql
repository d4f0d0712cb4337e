-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.find_token(bytea);
DROP FUNCTION aias.find_session(bytea);
DROP FUNCTION aias.find_invite(bytea);
DROP FUNCTION aias.find_user_by_email(text, bytea);
DROP FUNCTION aias.find_api_key(text, bytea);
DROP POLICY api_keys_lookup ON aias.api_keys;
-- aias:allow several-relations part of the first schema, before anything runs on it
DROP POLICY organizations_lookup ON aias.organizations;
-- aias:allow several-relations part of the first schema, before anything runs on it
DROP POLICY invites_lookup ON aias.invites;
-- aias:allow several-relations part of the first schema, before anything runs on it
DROP POLICY sessions_lookup ON aias.sessions;
-- aias:allow several-relations part of the first schema, before anything runs on it
DROP POLICY oauth_tokens_lookup ON aias.oauth_tokens;
REVOKE SELECT (
    api_key_id, org_id, project_id, user_id, service_account_id, secret_hash, hash_kid, scopes, allowed_models,
    allowed_networks, status, expires_at
) ON aias.api_keys FROM aias_lookup;
REVOKE SELECT (org_id, slug, status) ON aias.organizations FROM aias_lookup;
REVOKE SELECT (invite_id, org_id, role, token_hash, status, expires_at) ON aias.invites FROM aias_lookup;
REVOKE SELECT (
    session_id, secret_hash, user_id, org_id, idle_expires_at, expires_at, revoked_at
) ON aias.sessions FROM aias_lookup;
REVOKE SELECT (token_id, token_hash, org_id, family_id, kind) ON aias.oauth_tokens FROM aias_lookup;
REVOKE SELECT (kid, email_hash, user_id) ON aias.user_email_hashes FROM aias_lookup;
