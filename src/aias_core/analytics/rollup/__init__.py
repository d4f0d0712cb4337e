"""From facts to hours and days: dirty buckets, recomputed whole."""
