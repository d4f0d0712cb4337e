-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.watermarks;
DROP TABLE aias.rollup_rebuilds;
DROP TABLE aias.rollup_runs;
DROP TABLE aias.usage_day_keys;
DROP TABLE aias.usage_days;
DROP TABLE aias.usage_hour_keys;
DROP TABLE aias.usage_hours;
