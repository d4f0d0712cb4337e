"""Secrets by reference: where they come from, how they are sealed for a cluster, delivered and renewed."""
