"""Seeds: packages of rows for environments that are not production."""
