"""A model of a few rules behind OpenAI's chat API: what it is asked again, it answers alike."""
