"""Files of usage and money: the same rows in CSV, JSON lines and Parquet, each with a manifest that proves it."""
