"""The virtual shell: the server is an ASGI application in this process, and time jumps."""
