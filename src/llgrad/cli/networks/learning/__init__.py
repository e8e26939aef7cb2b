"""What `llgrad train` can be told: its options, and the network that they describe."""
