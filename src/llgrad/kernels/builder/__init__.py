"""Vector code written directly as LLVM instructions: arithmetic on values of one type, and functions on top of it."""
