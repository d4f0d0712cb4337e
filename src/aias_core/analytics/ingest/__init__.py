"""From events to facts: checked, deduplicated, stored exactly once."""
