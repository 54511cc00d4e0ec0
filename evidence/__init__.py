"""Turn hunts and captures into a five-whys report."""
