"""How late sends are on the wire: our engine beside plain asyncio."""
