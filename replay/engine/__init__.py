"""Carries a plan out: `core` decides, `live` acts on real sockets under the real clock."""
