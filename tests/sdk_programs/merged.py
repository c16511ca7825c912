"""A record that is read, merged into another of the same revision number, and read again."""

import json
import sys

from prisoner_exchanges import checked, connect
from prisoner_exchanges.api.publishers import get_publisher
from prisoner_exchanges.api.writing import merge_publisher

base, key, old, staying = sys.argv[1:]
client = connect(base, key=key)
first = get_publisher.sync_detailed(old, client=client)
etag = first.headers["ETag"]
merged = merge_publisher.sync_detailed(old, client=client, into=staying, reason="a try", if_match=etag)
read = [checked(get_publisher.sync(old, client=client)).id for _ in range(2)]
print(json.dumps([first.parsed.id, etag, merged.headers["ETag"], *read]))
