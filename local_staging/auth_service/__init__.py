"""The auth service: issues tokens, revokes them, and says which are still good."""
