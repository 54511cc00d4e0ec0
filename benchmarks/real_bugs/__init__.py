"""Real bugs of released packages, hunted in their bad versions and in their fixed ones."""
