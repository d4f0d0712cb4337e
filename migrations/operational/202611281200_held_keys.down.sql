-- aias: phase = contract
-- aias: author = platform
-- aias: risk = One function is replaced; nothing waits

CREATE OR REPLACE FUNCTION aias.list_held_subjects() RETURNS TABLE (subject_kind text, subject_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.subject_kind, h.subject_id FROM aias.legal_holds h WHERE h.released_at IS NULL
    UNION
    SELECT 'organization', o.org_id FROM aias.organizations o WHERE o.legal_hold
$$;
COMMENT ON FUNCTION aias.list_held_subjects() IS 'The people and organizations of which nothing may be removed now';
