DROP TABLE aias.api_keys;
DROP TABLE aias.organizations;
DROP FUNCTION aias.refuse_change();
DROP FUNCTION aias.touch_row();
DROP SCHEMA aias;
