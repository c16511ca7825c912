"""How names, search words and URLs are folded so that spellings of the same thing meet.

One rule for actors, publishers and the words of `q`, in any script. What a folded name stands for
is `db/vocabulary.py`'s business.
"""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit

from w3lib.url import canonicalize_url, url_query_cleaner

_TRACKING = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
    "fbclid",
    "gclid",
)
_JOINING = str.maketrans("", "", ".'’`ʼ")
# Letters with a mark that Unicode does not take apart: İ and its small dotless sister, Ł, Ø, Đ.
_MARKED = str.maketrans("ıłøđ", "ilod")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
MAX_WORD = 100
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Give the folded form of a name: lower case, no accents, no punctuation, nothing unseen, single spaces.

    Dots and apostrophes join ("U.A.E." is "uae"), all other punctuation separates.
    """
    if text.isascii():  # most words are, and have nothing to take apart
        return " ".join(_WORD.findall(text.lower().translate(_JOINING)))
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in decomposed if not _is_unseen(char))
    return " ".join(_WORD.findall(plain.casefold().translate(_MARKED).translate(_JOINING)))


def _is_unseen(char: str) -> bool:
    """Tell marks, and what only says how others are shown: without them, names that look alike are one."""
    return bool(unicodedata.combining(char)) or unicodedata.category(char) == "Cf"


def tokens(text: str) -> list[str]:
    """Give the folded words of a text, in order; what no word is as long as is cut off."""
    return [word[:MAX_WORD] for word in fold(text).split()]


@lru_cache(maxsize=4_096)  # a write asks for the key of a URL several times: when it checks, stores, indexes
def url_key(url: str) -> str:
    """Give the form under which a URL is unique.

    The parameters of `_TRACKING`, scheme and its port, `www.`, fragment and closing slash are dropped.
    """
    parts = urlsplit(canonicalize_url(url_query_cleaner(url, _TRACKING, remove=True, unique=False)))
    host = parts.netloc.removeprefix("www.").removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
    path = parts.path.rstrip("/")
    return f"{host}{path}?{parts.query}" if parts.query else f"{host}{path}"
