"""Proof that every stage says the same, key by key."""
