"""Identity: organizations, API keys, and what a key may do."""
