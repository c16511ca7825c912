"""The page as Datasette gives it: a canned query over SQLite, which nests rows by its JSON functions.

`python datasette_service.py FILE FOLDER`, with PORT in the environment. `sqlite_copy.py` makes the file; the
folder is for what Datasette must be told in files.
"""

import json
import os
import sys
from pathlib import Path

PAGE = """
SELECT exchange.*,
    (SELECT json_group_array(actor_id) FROM exchange_party WHERE exchange_id = exchange.id) AS parties,
    (SELECT json_group_array(json_object(
        'id', claim.id, 'released_by', released_by, 'received_by', received_by, 'category', category,
        'count', count, 'qualifier', qualifier, 'claimant', claimant, 'covers', covers, 'rank', rank,
        'note', note, 'citations', json((
            SELECT json_group_array(article_id) FROM claim_citation WHERE claim_id = claim.id
        ))
    )) FROM claim WHERE claim.exchange_id = exchange.id) AS claims,
    (SELECT json_group_array(json_object(
        'id', mediation.id, 'actor', actor_id, 'role', role, 'stance', stance, 'claimant', claimant,
        'citations', json((
            SELECT json_group_array(article_id) FROM mediation_citation WHERE mediation_id = mediation.id
        ))
    )) FROM mediation WHERE mediation.exchange_id = exchange.id) AS mediations,
    (SELECT json_group_array(json_object(
        'id', article.id, 'url', url, 'title', title, 'publisher', publisher_id, 'agency', agency_id,
        'published_on', published_on, 'language', language
    )) FROM exchange_citation JOIN article ON article.id = article_id
    WHERE exchange_citation.exchange_id = exchange.id) AS articles
FROM exchange
WHERE EXISTS (
    SELECT 1 FROM mediation
    WHERE exchange_id = exchange.id AND actor_id = :mediator AND stance = 'asserts' AND role <> 'transit'
)
ORDER BY date DESC, id DESC
LIMIT 50
"""


def main() -> None:
    """Become Datasette."""
    metadata = {"databases": {"data": {"queries": {"page": {"sql": PAGE}}}}}
    folder = Path(sys.argv[2])
    file = folder / "metadata.json"
    file.write_text(json.dumps(metadata))
    # the name of the file is that of the database in its addresses
    link = folder / "data.sqlite"
    link.symlink_to(sys.argv[1])
    options = ["--metadata", str(file), "--host", "127.0.0.1", "--port", os.environ["PORT"]]
    options += ["--setting", "sql_time_limit_ms", "60000"]
    command = [sys.executable, "-m", "datasette", "serve", "--immutable", str(link), *options]
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
