"""Long runs in parts: told of while they last, ended early with what there is, and continued."""
