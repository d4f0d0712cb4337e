-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.erased_subjects;
DROP FUNCTION aias.is_seed_id(uuid);
DROP FUNCTION aias.touch_row();
DROP FUNCTION aias.refuse_change();
DROP SCHEMA aias;
