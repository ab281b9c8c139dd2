"""The demo organisation: made up by `build`, the same for the same day and seed, written by the loader."""
