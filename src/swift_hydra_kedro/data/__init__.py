"""Tables in, arrays out: sources, checks, the split, and preprocessing fitted on the training part alone."""
