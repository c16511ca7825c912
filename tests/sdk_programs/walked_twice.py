"""A list that is walked to its end twice."""

import sys

from prisoner_exchanges import connect, walk
from prisoner_exchanges.api.exchanges import list_exchanges

client = connect(sys.argv[1])
for _ in range(2):
    print(len(list(walk(list_exchanges.sync, client=client, limit=100))))
