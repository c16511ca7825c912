"""Strings that break programs: as text, as it stands in a query, in headers, in paths and in bodies.

Text is percent-encoded before it is sent; what is here as bytes is sent as it is.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

INJECTED = "x-injected"

TEXTS: Mapping[str, str] = {
    "SQL, always true": "' OR 1=1 --",
    "SQL, a second statement": "uae'; DROP TABLE exchange; --",
    "SQL, a pause": "' || pg_sleep(20) || '",
    "SQL, a cast": "1)::int; SELECT version(); --",
    "SQL, wildcards": r"_%\%",
    "SQL, dollar quotes": "$$;$1$$",
    "NUL": "ua\0e",
    "only NUL": "\0",
    "control characters": "a\x01\x07\x1b[31m\x7f\x85b",
    "a header": f"a\r\n{INJECTED}: yes\r\n\r\n<p>",
    "right to left": "\u202eeau\u202c تبادل الأسرى \u200f\u200e\u2066",
    "no width": "u\u200ba\u200de\ufeff",
    "many accents": "e" + "\u0301" * 300,
    "beyond the first plane": "\U0001f468\u200d\U0001f469 \U0010ffff \ufffe\uffff",
    "Turkish i": "İıŞß\u1e9eﬁ",
    "other digits": "٣٤",
    "brackets": "[" * 500 + "]" * 500,
    "braces": '{"a":' * 200,
    "a JSON string": '"\\ud800\\u0000"',
    "a script": "<script>alert(1)</script>",
    "a template": "{{7*7}}${7*7}#{7*7}<%= 7 %>",
    "a format": "%s%n%x{0}{self.__class__}",
    "a regular expression": "(a+)+$" * 20,
    "a file": "../../../../etc/passwd",
    "a shell": "; cat /etc/passwd | `id` $(id)",
    "a URL": "http://169.254.169.254/latest/",
    "a backslash": "\\",
    "spaces": " \t\u00a0\u3000 ",
    "commas": ",,,;;;",
    "a comparison": "uae&party=russia",
    "too great a number": "99999999999999999999999",
    "no number": "NaN",
    "infinity": "1e999",
    "minus nothing": "-0",
    "hexadecimal": "0x7fffffff",
    "a day that is none": "2024-02-30",
    "before all days": "0000-00-00",
    "after all days": "9999-12-31T23:59:60Z",
    "an offset": "2024-01-01T00:00:00+25:00",
    "a word for nothing": "none",
    "null": "null",
    "a long one": "x" * 3_000,
    "too long": "y" * 9_000,
}

# In a query, after the name of a parameter and "=".
RAW: Mapping[str, bytes] = {
    "nothing": b"",
    "a bare percent sign": b"%",
    "half an escape": b"%2",
    "no escape": b"%zz%u0041",
    "escaped twice": b"%2525252e%25%32%35",
    "an overlong slash": b"%c0%af%e0%80%af",
    "a lone high surrogate": b"%ED%A0%80",
    "a lone low surrogate": b"%ED%B0%80",
    "a pair of surrogates": b"%ED%A0%BD%ED%B8%80",
    "beyond Unicode": b"%F4%90%80%80%F8%88%80%80%80",
    "half a character": b"%D0",
    "Latin-1, not escaped": b"\xe9\xff",
    "UTF-8, not escaped": "обмен".encode(),
    "quotes, not escaped": b"\"'<>`{}|\\^",
    "equals signs": b"===&&=&",
    "a second question mark": b"?a?b",
    "a fragment": b"uae#x",
    "semicolons": b"uae;party=russia",
    "plus signs": b"+++",
}

IN_HEADERS = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Accept-Datetime", "Authorization", "Cookie"),
    *("If-None-Match", "If-Match", "If-Modified-Since", "Range", "X-Dataset-Revision", "X-Request-ID"),
    *("Last-Event-ID", "Idempotency-Key", "Origin", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto"),
    *("X-HTTP-Method-Override", "traceparent", "Content-Type", "Content-Encoding", "Host", "Expect"),
)
HEADERS: Mapping[str, str] = {
    "nothing": "",
    "SQL": "' OR 1=1 --",
    "Latin-1": "\xe9\xff\x80",
    "commas": ",,,;;;=,",
    "quotes": '"""\\"',
    "W/": 'W/"", "*", *',
    "stars": "*/*;q=x, text/*;q=-1;q=2, ;;",
    "a number": "99999999999999999999999",
    "a range": "bytes=0-0,5-1,-99999999999999999999",
    "a day": "Mon, 30 Feb 9999 25:61:61 GMT",
    "a token": "Bearer exk_0000000000_" + "0" * 43,
    "basic": "Basic " + "=" * 30,
    "a trace": "00-" + "0" * 32 + "-" + "0" * 16 + "-zz",
    "a host": "a b:99999@[::1",
    "an encoding": "gzip;q=0, br;q=1.0001, identity;q=0, zstd;q=nan",
    "a type": "application/json; charset=utf-7; boundary=\xff",
    "many": "x," * 2_000,
    "long": "z" * 20_000,
}

PATHS: tuple[bytes, ...] = (
    *(
        b"//",
        b"//v1/exchanges",
        b"/v1//exchanges",
        b"/v1/./exchanges",
        b"/v1/../v1/exchanges",
        b"/v1/%2e%2e/healthz",
    ),
    *(b"/V1/EXCHANGES", b"/v1/exchanges/", b"/v1/exchanges;a=b", b"/v1/exchanges%00", b"/v1/exchanges%3Fa=b"),
    *(
        b"/v1/exchanges%2F",
        b"/v1%2Fexchanges",
        b"/v1/exchanges.",
        b"/v1/exchanges.exe",
        b"/v1/exchanges.csv.csv",
    ),
    *(b"/v1/exchanges/%ED%A0%80", b"/v1/exchanges/%ff", b"/v1/exchanges/\xff", b"/v1/exchanges/a%0d%0ab"),
    *(b"/guide/../../README.md", b"/guide/%2e%2e%2f%2e%2e%2fREADME", b"/docs/%2e%2e/", b"/problems/%00"),
    *(b"http://example.org/v1/exchanges", b"http://[::1/", b"/%", b"/%zz", b"/?%", b"/" + b"a/" * 3_000),
    *(b"/.env", b"/.git/config", b"/wp-login.php", b"/server-status", b"/v1/" + quote("обмен").encode()),
)
METHODS = ("BREW", "TRACE", "PROPFIND", "get", "OPTIONS", "HEAD", "QUERY", "POST", "DELETE")

BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a lone surrogate": b'{"summary": "\\ud800", "id": "\\udfff"}',
    "NUL": b'{"summary": "\\u0000"}',
    "half a character": b'{"summary": "\xd0"}',
    "surrogates in UTF-8": b'{"summary": "\xed\xa0\x80"}',
    "not JSON": b"summary=1&id=2",
    "a number": b"1e999",
    "numbers": b'{"date": -0, "claims": 1e400, "id": 99999999999999999999999999}',
    "NaN": b'{"summary": NaN, "id": Infinity}',
    "a member twice": b'{"summary": "a", "summary": "b"}',
    "a prototype": b'{"__proto__": {"a": 1}, "constructor": 1, "__class__": "x"}',
    "an array": b"[1, 2, 3]",
    "a string": b'"x"',
    "null": b"null",
    "a mark of byte order": b"\xef\xbb\xbf{}",
    "UTF-16": '{"summary": "x"}'.encode("utf-16"),
    "a megabyte": b'{"summary": "' + b"m" * 1_000_000 + b'"}',
    "more than a megabyte": b'{"summary": "' + b"m" * 1_100_000 + b'"}',
    "many members": json.dumps({f"m{number}": number for number in range(20_000)}).encode(),
}


def everywhere(value: Any, text: str) -> Any:
    """Give a JSON value with another text in place of every string that is not the name of a member."""
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [everywhere(each, text) for each in value]
    if isinstance(value, dict):
        return {name: everywhere(each, text) for name, each in value.items()}
    return value
