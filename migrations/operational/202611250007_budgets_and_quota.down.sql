-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TRIGGER rate_shares_limit_tg ON aias.rate_shares;
DROP FUNCTION aias.hold_rate_limit();
DROP TRIGGER quota_windows_limit_new_tg ON aias.quota_windows;
DROP TRIGGER quota_windows_limit_tg ON aias.quota_windows;
DROP FUNCTION aias.hold_quota_limit();
DROP TABLE aias.rate_shares;
DROP TABLE aias.rate_limits;
DROP TABLE aias.quota_reports;
DROP TABLE aias.quota_leases;
DROP TABLE aias.quota_windows;
DROP TABLE aias.budget_overrides;
DROP TABLE aias.budget_versions;
DROP FUNCTION aias.guard_erasable();
DROP TABLE aias.budgets;
