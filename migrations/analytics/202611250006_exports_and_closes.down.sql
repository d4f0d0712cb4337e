-- aias: phase = contract
-- aias: author = platform
-- aias: risk = Removes what the file made, with its rows

DROP TRIGGER statement_lines_kept_tg ON aias.statement_lines;
DROP TRIGGER statement_lines_append_only_tg ON aias.statement_lines;
DROP TRIGGER month_closes_kept_tg ON aias.month_closes;
DROP TRIGGER month_closes_append_only_tg ON aias.month_closes;
DROP FUNCTION aias.guard_statement();
DROP TABLE aias.statement_lines;
DROP TABLE aias.month_closes;
DROP TABLE aias.export_jobs;
