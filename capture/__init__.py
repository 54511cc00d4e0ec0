"""Record real WebSocket sessions and read them back."""
