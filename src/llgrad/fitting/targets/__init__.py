"""What a fit is made to agree with: traces and tables, each with what was different when it was recorded."""
