"""Who sends usage, how far each has come, and what of it is stored: heartbeats, control totals, watermarks."""
