-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TRIGGER access_records_kept_tg ON aias.access_records;
DROP TRIGGER access_records_append_only_tg ON aias.access_records;
DROP FUNCTION aias.guard_access_record();
DROP TABLE aias.access_records;
DROP TRIGGER audit_witness_kept_tg ON aias.audit_witness;
DROP TRIGGER audit_witness_append_only_tg ON aias.audit_witness;
DROP FUNCTION aias.guard_witness();
DROP TABLE aias.audit_witness;
