"""What a command's exit status says beside 0, where `--fail-on-finding` asks for it."""

FOUND = 3
CANNOT_TELL = 4
