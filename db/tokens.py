"""The form of a key as its holder keeps it, `exk_<id>_<secret>`: making one, reading one, blotting one out.

Pure functions; which keys hold is `db/access.py`'s business.
"""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256

_TOKEN = re.compile(r"exk_([0-9a-f]{10})_([A-Za-z0-9_-]{43})")
# Wider than the form itself: a key that was cut short, or percent-encoded in a URL, is still a secret.
_LIKE_ONE = re.compile(r"exk(?:_|%5F)(?:[A-Za-z0-9_-]|%5F|%2D)+", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A key taken apart; the secret shows in no representation."""

    id: str
    secret: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """The hash that is kept of the secret. It is random and long, so that a fast hash will do."""
        return sha256(self.secret.encode()).digest()

    @property
    def text(self) -> str:
        """The key as its holder keeps it."""
        return f"exk_{self.id}_{self.secret}"


def new_token(key_id: str | None = None) -> Token:
    """Make a key at random, with an id of its own unless one is given."""
    return Token(key_id or secrets.token_hex(5), secrets.token_urlsafe(32))


def read_token(text: str) -> Token | None:
    """Take a key apart; None if it has not the form of one."""
    found = _TOKEN.fullmatch(text)
    return found and Token(*found.groups())


def holds_token(text: str) -> bool:
    """Tell whether there is in a text what looks like a key."""
    return _LIKE_ONE.search(text) is not None


def redact(text: str) -> str:
    """Blot out of a text whatever looks like a key; JSON stays JSON."""
    return _LIKE_ONE.sub("exk_…", text) if "exk" in text.lower() else text  # ten times as fast without one
