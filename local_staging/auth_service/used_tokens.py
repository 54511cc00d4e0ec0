"""The ids of tokens that are good once, and were."""

from __future__ import annotations


class UsedTokenIds:
    """Remembers ids for as long as their tokens could be used again."""

    def __init__(self) -> None:
        self._expires_at_s: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._expires_at_s)

    def use(self, token_id: str, expires_at_s: int, now_s: int) -> bool:
        """Take an id down; return whether this was the first time."""
        self._expires_at_s = {
            known: expires for known, expires in self._expires_at_s.items() if expires > now_s
        }
        if token_id in self._expires_at_s:
            return False
        self._expires_at_s[token_id] = expires_at_s
        return True
