"""How to cite an edition, as files that other programs read: CITATION.cff and DataCite's metadata.

How single queries are cited is told elsewhere.
"""

import json
from collections.abc import Sequence
from typing import Any

from api.editions import (
    CREATOR,
    DESCRIPTION,
    KEYWORDS,
    LICENCE,
    LICENCE_TITLE,
    LICENCE_URL,
    TITLE,
    Edition,
    FileFacts,
)

MESSAGE = "If you use these data, please cite them as below."


def citation_cff(edition: Edition) -> str:
    """Give the CITATION.cff (1.2.0) of an edition."""
    told: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": MESSAGE,
        "type": "dataset",
        "title": TITLE,
        "abstract": DESCRIPTION,
        "authors": [{"name": CREATOR}],
        "version": edition.version,
        "date-released": f"{edition.at:%Y-%m-%d}",
        "license": LICENCE,
        "url": edition.url,
        "keywords": list(KEYWORDS),
    }
    # a text in JSON's quotes is the same text in YAML, and so is a list of them
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items())


def datacite(edition: Edition, files: Sequence[FileFacts]) -> dict[str, Any]:
    """Give the metadata of an edition as DataCite has it (kernel 4); without a DOI, its URL identifies it."""
    dates = [{"date": f"{edition.at:%Y-%m-%d}", "dateType": "Issued"}]
    first, last = edition.size.first, edition.size.last
    if first is not None and last is not None:
        about = "Days of the first and of the last exchange."
        dates.append({"date": f"{first}/{last}", "dateType": "Other", "dateInformation": about})
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "identifiers": [{"identifier": edition.url, "identifierType": "URL"}],
        "creators": [{"name": CREATOR, "nameType": "Organizational"}],
        "titles": [{"title": TITLE, "lang": "en"}],
        "publisher": CREATOR,
        "publicationYear": f"{edition.at:%Y}",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Curated claims with their sources"},
        "subjects": [{"subject": keyword, "lang": "en"} for keyword in KEYWORDS],
        "dates": dates,
        "language": "en",
        "version": edition.version,
        "rightsList": [
            {
                "rights": LICENCE_TITLE,
                "rightsUri": LICENCE_URL,
                "rightsIdentifier": LICENCE,
                "rightsIdentifierScheme": "SPDX",
                "schemeUri": "https://spdx.org/licenses/",
            }
        ],
        "descriptions": [{"description": DESCRIPTION, "descriptionType": "Abstract", "lang": "en"}],
        "geoLocations": [{"geoLocationPlace": place} for place in edition.places],
        "sizes": [f"{count} {name}" for name, count in sorted(edition.size.counts.items())],
        "formats": sorted({file.media_type for file in files}),
    }
