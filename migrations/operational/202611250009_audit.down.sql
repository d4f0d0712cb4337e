-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TABLE aias.audit_exports;
DROP TABLE aias.audit_checkpoints;
DROP TABLE aias.audit_personal;
DROP TRIGGER audit_heads_kept_tg ON aias.audit_heads;
DROP TRIGGER audit_heads_forward_tg ON aias.audit_heads;
DROP TRIGGER audit_log_anchored_tg ON aias.audit_log;
DROP TRIGGER audit_log_append_only_tg ON aias.audit_log;
DROP TRIGGER audit_log_chain_tg ON aias.audit_log;
DROP FUNCTION aias.guard_audit_log();
DROP FUNCTION aias.guard_audit_head();
DROP FUNCTION aias.link_audit_record();
DROP TABLE aias.audit_log;
DROP TABLE aias.audit_heads;
