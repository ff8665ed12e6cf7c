"""Scripts of the project: set-up, checks, locks, scaffolding."""
