-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.anonymize_users(timestamptz, int);
DROP FUNCTION aias.purge_expired(text, timestamptz, int);
DROP FUNCTION aias.row_lifetimes();
DROP TABLE aias.erasure_tombstones;
DROP TABLE aias.erasure_requests;
DROP TABLE aias.legal_holds;
DROP TABLE aias.hash_rotations;
DROP TABLE aias.hash_keys;
