"""Answers to questions about usage, from ClickHouse."""
