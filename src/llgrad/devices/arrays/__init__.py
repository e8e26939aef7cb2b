"""Arrays of systems: what each member emits, how it is mixed, and what the others receive."""
