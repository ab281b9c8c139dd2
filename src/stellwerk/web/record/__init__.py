"""The page of a record: what it says, what happened, and everything that can be done to it."""
