-- aias: phase = expand
-- aias: author = platform
-- aias: risk = A column with a constant default, added without a rewrite; its lock is brief

ALTER TABLE aias.statement_lines ADD COLUMN correction_pico numeric(38,0) NOT NULL DEFAULT 0;
COMMENT ON COLUMN aias.statement_lines.correction_pico
    IS 'The part of adjustment_pico that corrects months closed before, in pico-units; 0 in lines frozen without it';
