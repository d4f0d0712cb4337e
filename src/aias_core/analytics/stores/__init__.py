"""Where facts and rollups are kept: one protocol, two stores that give the same rows."""
