"""Who read what of others: records kept here first, then delivered to the audit chain."""
