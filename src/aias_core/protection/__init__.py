"""Data protection: what each column is, how it is protected, how long it lives."""
