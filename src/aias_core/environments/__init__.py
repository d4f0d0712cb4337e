"""Environments: profiles, the component registry, and the targets that bring an environment up."""
