-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.purge_expired(text, timestamptz, int);
DROP FUNCTION aias.row_lifetimes();
