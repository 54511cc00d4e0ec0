"""The chat backend: a WebSocket endpoint where a user's messages start runs of an agent."""
