-- aias: phase = expand
-- aias: author = platform
-- aias: risk = One function is replaced; nothing waits

CREATE OR REPLACE FUNCTION aias.list_held_subjects() RETURNS TABLE (subject_kind text, subject_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.subject_kind, h.subject_id FROM aias.legal_holds h WHERE h.released_at IS NULL
    UNION
    SELECT 'organization', o.org_id FROM aias.organizations o WHERE o.legal_hold
    UNION
    SELECT 'api_key', k.api_key_id FROM aias.legal_holds h JOIN aias.api_keys k ON k.user_id = h.subject_id
    WHERE h.released_at IS NULL AND h.subject_kind = 'user'
$$;
COMMENT ON FUNCTION aias.list_held_subjects()
    IS 'The people, with their keys, and the organizations of which nothing may be removed now';
