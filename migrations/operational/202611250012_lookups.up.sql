-- aias: phase = expand
-- aias: author = platform
-- aias: risk = New functions only; nothing exists that could wait

GRANT SELECT (
    api_key_id, org_id, project_id, user_id, service_account_id, secret_hash, hash_kid, scopes, allowed_models,
    allowed_networks, status, expires_at
) ON aias.api_keys TO aias_lookup;
CREATE POLICY api_keys_lookup ON aias.api_keys FOR SELECT TO aias_lookup USING (true);
GRANT SELECT (org_id, slug, status) ON aias.organizations TO aias_lookup;
-- aias:allow several-relations part of the first schema, before anything runs on it
CREATE POLICY organizations_lookup ON aias.organizations FOR SELECT TO aias_lookup USING (true);
GRANT SELECT (invite_id, org_id, role, token_hash, status, expires_at) ON aias.invites TO aias_lookup;
-- aias:allow several-relations part of the first schema, before anything runs on it
CREATE POLICY invites_lookup ON aias.invites FOR SELECT TO aias_lookup USING (true);
GRANT SELECT (
    session_id, secret_hash, user_id, org_id, idle_expires_at, expires_at, revoked_at
) ON aias.sessions TO aias_lookup;
-- aias:allow several-relations part of the first schema, before anything runs on it
CREATE POLICY sessions_lookup ON aias.sessions FOR SELECT TO aias_lookup USING (true);
GRANT SELECT (token_id, token_hash, org_id, family_id, kind) ON aias.oauth_tokens TO aias_lookup;
-- aias:allow several-relations part of the first schema, before anything runs on it
CREATE POLICY oauth_tokens_lookup ON aias.oauth_tokens FOR SELECT TO aias_lookup USING (true);
GRANT SELECT (kid, email_hash, user_id) ON aias.user_email_hashes TO aias_lookup;

CREATE FUNCTION aias.find_api_key(p_kid text, p_digest bytea) RETURNS TABLE (
    api_key_id uuid, org_id uuid, org_slug text, org_status text,
    scopes text[], allowed_models uuid[], expires_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.api_key_id, k.org_id, o.slug, o.status, k.scopes, k.allowed_models, k.expires_at
    FROM aias.api_keys k JOIN aias.organizations o USING (org_id)
    WHERE k.hash_kid = p_kid AND k.secret_hash = p_digest AND k.status IN ('active', 'rotating')
        AND (k.expires_at IS NULL OR k.expires_at > now())
$$;
REVOKE ALL ON FUNCTION aias.find_api_key(text, bytea) FROM PUBLIC;
COMMENT ON FUNCTION aias.find_api_key(text, bytea)
    IS 'The usable key with a digest, and its organization, before the tenant is known';
GRANT EXECUTE ON FUNCTION aias.find_api_key(text, bytea) TO aias_identity;

CREATE FUNCTION aias.find_user_by_email(p_kid text, p_digest bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT user_id FROM aias.user_email_hashes WHERE kid = p_kid AND email_hash = p_digest
$$;
REVOKE ALL ON FUNCTION aias.find_user_by_email(text, bytea) FROM PUBLIC;
COMMENT ON FUNCTION aias.find_user_by_email(text, bytea) IS 'The person with the digest of an address';
GRANT EXECUTE ON FUNCTION aias.find_user_by_email(text, bytea) TO aias_identity;

CREATE FUNCTION aias.find_invite(p_digest bytea)
RETURNS TABLE (invite_id uuid, org_id uuid, role text, status text, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT invite_id, org_id, role, status, expires_at FROM aias.invites WHERE token_hash = p_digest
$$;
REVOKE ALL ON FUNCTION aias.find_invite(bytea) FROM PUBLIC;
COMMENT ON FUNCTION aias.find_invite(bytea) IS 'The invitation with the digest of a token, before the tenant is known';
GRANT EXECUTE ON FUNCTION aias.find_invite(bytea) TO aias_identity;

CREATE FUNCTION aias.find_session(p_digest bytea) RETURNS TABLE (session_id uuid, user_id uuid, org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT session_id, user_id, org_id FROM aias.sessions
    WHERE secret_hash = p_digest AND revoked_at IS NULL AND idle_expires_at > now() AND expires_at > now()
$$;
REVOKE ALL ON FUNCTION aias.find_session(bytea) FROM PUBLIC;
COMMENT ON FUNCTION aias.find_session(bytea)
    IS 'The live session with the digest of a cookie, before the tenant is known';
GRANT EXECUTE ON FUNCTION aias.find_session(bytea) TO aias_identity;

CREATE FUNCTION aias.find_token(p_digest bytea) RETURNS TABLE (token_id uuid, family_id uuid, kind text, org_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT token_id, family_id, kind, org_id FROM aias.oauth_tokens WHERE token_hash = p_digest
$$;
REVOKE ALL ON FUNCTION aias.find_token(bytea) FROM PUBLIC;
COMMENT ON FUNCTION aias.find_token(bytea) IS 'The token with a digest, spent or not, before the tenant is known';
GRANT EXECUTE ON FUNCTION aias.find_token(bytea) TO aias_identity;

GRANT CREATE ON SCHEMA aias TO aias_lookup;
ALTER FUNCTION aias.find_api_key(text, bytea) OWNER TO aias_lookup;
ALTER FUNCTION aias.find_user_by_email(text, bytea) OWNER TO aias_lookup;
ALTER FUNCTION aias.find_invite(bytea) OWNER TO aias_lookup;
ALTER FUNCTION aias.find_session(bytea) OWNER TO aias_lookup;
ALTER FUNCTION aias.find_token(bytea) OWNER TO aias_lookup;
REVOKE CREATE ON SCHEMA aias FROM aias_lookup;
