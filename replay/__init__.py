"""Send a recorded session again, with its timing altered."""
