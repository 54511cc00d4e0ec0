"""What a command's exit status says beside 0: where `--fail-on-finding` asks for it, and when it
was ended by a signal."""

FOUND = 3
CANNOT_TELL = 4

INTERRUPTED, TERMINATED = 130, 143
