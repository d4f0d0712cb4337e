"""Files that finance can close a month on."""
