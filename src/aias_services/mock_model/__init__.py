"""A model backend that answers like OpenAI's interface, with exact token counts, and fails when told to."""
