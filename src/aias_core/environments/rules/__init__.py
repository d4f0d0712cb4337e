"""Rules that a profile must keep beyond its form. Each module has functions that take an `Inspection`."""
