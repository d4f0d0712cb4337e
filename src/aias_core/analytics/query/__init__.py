"""Questions about usage, answered from rollups."""
