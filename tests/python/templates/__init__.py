"""Templates: cloning a shipped stream, building the clone, editing it, and what is refused."""
