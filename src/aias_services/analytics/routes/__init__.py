"""The routes of the query API, each file one kind of question."""

BASE = "/analytics/v1"
