"""The catalogue of a database as values: read it, fingerprint it, compare two, write the SQL from one to the other."""
