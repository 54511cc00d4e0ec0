"""The deadheat command line."""
