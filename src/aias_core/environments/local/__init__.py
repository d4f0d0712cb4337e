"""The embedded environment: every server from a wheel, supervised on one machine, listening on loopback only."""
