-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TRIGGER platform_grants_rules_tg ON aias.platform_grants;
DROP FUNCTION aias.check_platform_grant();
DROP TABLE aias.platform_grants;
DROP TRIGGER approval_decisions_rules_tg ON aias.approval_decisions;
DROP FUNCTION aias.check_decision();
DROP TABLE aias.approval_decisions;
DROP TABLE aias.approval_requests;
