"""Backups and restores: encrypted copies, an archive of the write-ahead log, recovery to a time, and drills."""
