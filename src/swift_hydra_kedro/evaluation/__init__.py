"""How well every method did: metrics, the leaderboard and the figures of the report."""
