"""The router: one OpenAI-compatible address for every model, and one usage event for every admitted request."""
