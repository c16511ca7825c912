"""The script that draws charts in a browser, Vega and Vega-Lite in one file, in a process of its own.

The library holds Python's lock for seconds while it makes the script, and keeps much memory afterwards. What
runs in that process imports nothing of the application.
"""

from functools import cache
from importlib.metadata import files

QUALITY = 9  # of Brotli; 11 saves 8 per cent more and takes twenty times as long


@cache
def bundle_name() -> str:
    """Name the script by the hash of what it is made from: the same name stands for the same bytes.

    The library's own binary holds all the sources, and what it makes of them does not vary. Its hash was
    written down when it was installed, so that the name costs nothing.
    """
    binaries = (file.hash for file in files("vl-convert-python") or () if file.match("vl_convert.*"))
    [digest] = (hash_.value for hash_ in binaries if hash_ is not None)
    return f"vega-{digest[:20]}.js"


def packed_bundle() -> bytes:
    """Make the script, compressed with Brotli."""
    import brotli  # type: ignore[import-untyped]  # noqa: PLC0415  (only needed in the process that makes it)
    import vl_convert  # noqa: PLC0415

    script = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its argument is optional, its stub wrong
    packed: bytes = brotli.compress(script.encode(), quality=QUALITY)
    return packed
