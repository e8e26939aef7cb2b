"""Pictures of networks of oscillators: how they learned, what they recognise, how they are set."""
