"""A trained model at work on a table of any size: chunk by chunk, and no row is lost."""
