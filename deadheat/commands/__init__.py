"""One file a command: its arguments, and a thin `run` that calls the tool."""
