"""Judges migration files without a server: parts of statements (`parts`), what is known (`scene`), rules, their run."""
