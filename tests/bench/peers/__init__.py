"""Services that others would write for the same page, in an environment of their own."""
