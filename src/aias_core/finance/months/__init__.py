"""Months: closed by two people, restated in the open, corrected by adjustments."""
