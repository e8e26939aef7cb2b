"""Whether a model explains the data, and the sentences that say so before any parameter."""
