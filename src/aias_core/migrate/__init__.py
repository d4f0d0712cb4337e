"""Schema migrations of both databases: files, plan, runner. There is one engine and one history per database."""
