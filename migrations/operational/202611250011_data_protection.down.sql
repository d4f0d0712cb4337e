-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.count_expired(timestamptz);
DROP FUNCTION aias.list_sealed_audit(timestamptz);
DROP FUNCTION aias.purge_audit_log(text, timestamptz, int);
DROP FUNCTION aias.find_audit_anchor(text, timestamptz);
DROP FUNCTION aias.anonymize_users(timestamptz, int);
DROP FUNCTION aias.list_forgettable_users(timestamptz);
DROP FUNCTION aias.purge_expired(text, timestamptz, int);
DROP FUNCTION aias.describe_expiry(text, text);
DROP FUNCTION aias.describe_hold(text, text);
DROP FUNCTION aias.list_held_subjects();
DROP FUNCTION aias.row_lifetimes();
DROP TABLE aias.erasure_tombstones;
DROP TABLE aias.erasure_requests;
DROP TABLE aias.legal_holds;
DROP TABLE aias.hash_rotations;
DROP TABLE aias.hash_keys;
