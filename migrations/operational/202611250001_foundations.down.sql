-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP FUNCTION aias.is_seed_id(uuid);
DROP FUNCTION aias.is_label_map(jsonb);
DROP FUNCTION aias.is_ascending_percent(smallint[]);
DROP FUNCTION aias.refuse_rewrite();
DROP FUNCTION aias.refuse_change();
DROP FUNCTION aias.touch_row();
DROP SCHEMA aias;
