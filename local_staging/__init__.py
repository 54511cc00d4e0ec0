"""A stand-in for the staging environment of the chat product: real processes, real sockets.

launch          starts and stops all of it
auth_service/   issues, revokes and introspects tokens
chat_backend/   the WebSocket endpoint, as the `incident` build and as the `fixed` build
service/        what every service process does alike: logs, listening, ending
"""
