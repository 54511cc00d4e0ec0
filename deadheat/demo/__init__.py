"""The demo: a race in the local stand-in for staging, from recording to report."""
