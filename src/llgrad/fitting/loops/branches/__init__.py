"""The branches of states at rest that devices go along in measured fields, for many curves of many devices at once."""
