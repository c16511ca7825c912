"""What refused requests come to."""

import json
import sys

from prisoner_exchanges import checked, connect
from prisoner_exchanges.api.actors import get_actor
from prisoner_exchanges.api.writing import create_publisher
from prisoner_exchanges.models import PublisherInput

base, key, word = sys.argv[1:]
client = connect(base, key=key)
impatient = connect(base, longest_wait=0.05)
body = PublisherInput(id=word, name=f"The {word}", is_agency=False, aliases=[])
told = [
    checked(get_actor.sync("uae", client=client)).id,
    get_actor.sync_detailed("russia", client=impatient).status_code,
    create_publisher.sync_detailed(client=client, body=body, reason="a try").status_code,
    create_publisher.sync_detailed(
        client=client, body=body, reason="a try", idempotency_key=word
    ).status_code,
]
print(json.dumps(told))
