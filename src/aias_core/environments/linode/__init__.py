"""Environments on Linode."""
