"""The vocabulary that every other room speaks: constants, units, vectors, records, terms, statuses."""
