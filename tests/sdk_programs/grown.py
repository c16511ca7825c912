"""A record from another time: words and a field that the package does not know."""

import json
import sys

from prisoner_exchanges import checked, connect, walk
from prisoner_exchanges.api.claims import list_claims
from prisoner_exchanges.api.exchanges import get_exchange

client = connect(sys.argv[1])
read = checked(get_exchange.sync("2024-12-30-russia-ukraine", client=client))
claim = read.claims[0]
claims = list(walk(list_claims.sync, client=client, claimant=["UAE"]))
assert {each.qualifier for each in claims} == {"roughly"}
assert claim.to_dict()["qualifier"] == "roughly"
print(json.dumps([read.kind, claim.qualifier, claim.rank, claim["weather"], claim.count]))
