-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.api_key_activity;
DROP TABLE aias.api_keys;
