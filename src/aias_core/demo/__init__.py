"""The whole platform doing its job once on a throw-away environment, with every number proven."""
