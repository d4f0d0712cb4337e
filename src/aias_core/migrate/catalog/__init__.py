"""The catalogue of a database as values: read it, fingerprint it, compare two, write it as SQL."""
