"""Retention and erasure: what has outlived its policy goes, what somebody is owed goes, and what is held stays."""
