-- aias: phase = contract
-- aias: author = platform
-- aias: down = lossy
-- aias: risk = Removes which adjustments of closed months are corrections; no amount is lost

ALTER TABLE aias.statement_lines DROP COLUMN correction_pico;
