"""Exports as jobs: asked for once, done by whichever worker is there, each file exactly once."""
