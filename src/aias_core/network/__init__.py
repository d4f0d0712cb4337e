"""Who may reach whom in a cluster: flows, the policies that let them through, and what these policies mean."""
