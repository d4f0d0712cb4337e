-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.count_expired(timestamptz, uuid[]);
DROP FUNCTION aias.purge_expired(text, timestamptz, int, uuid[]);
DROP FUNCTION aias.describe_hold(text);
DROP FUNCTION aias.list_followers(text);
DROP FUNCTION aias.row_lifetimes();
