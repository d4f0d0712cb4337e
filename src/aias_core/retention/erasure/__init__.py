"""Erasing a person or an organization from both databases and the exports, with a certificate that proves it."""
