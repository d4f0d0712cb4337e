"""The state of the pipeline in one look: how far it has come, what waits, what is wrong."""
