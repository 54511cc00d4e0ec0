"""Cloud Run's edge: what stands between the clients and the instances of the chat backend."""
