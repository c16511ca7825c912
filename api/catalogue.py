"""An edition as catalogues of data read it: schema.org Dataset and DCAT in one JSON-LD document."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.datapackage import moment
from api.editions import (
    CREATOR,
    DESCRIPTION,
    KEYWORDS,
    LICENCE_URL,
    TITLE,
    Edition,
    FileFacts,
)
from db.enums import Measure

MEDIA_TYPE = "application/ld+json"
# In the document itself, so that nothing has to be fetched to read it.
CONTEXT: Mapping[str, Any] = {
    "@vocab": "https://schema.org/",
    "schema": "https://schema.org/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "license": {"@type": "@id"},
    "url": {"@type": "@id"},
    "contentUrl": {"@type": "@id"},
    "subjectOf": {"@type": "@id"},
    "dateModified": {"@type": "xsd:dateTime"},
    "dct:license": {"@type": "@id"},
    "dct:issued": {"@type": "xsd:dateTime"},
    "dct:conformsTo": {"@type": "@id"},
    "dcat:distribution": {"@type": "@id"},
    "dcat:downloadURL": {"@type": "@id"},
    "dcat:landingPage": {"@type": "@id"},
    "dcat:startDate": {"@type": "xsd:date"},
    "dcat:endDate": {"@type": "xsd:date"},
}


def catalogue(edition: Edition, files: Sequence[FileFacts]) -> dict[str, Any]:
    """Describe an edition and the files that it is had in."""
    distributions = [_distribution(edition, file) for file in files]
    return {
        "@context": dict(CONTEXT),
        "@id": edition.url,
        "@type": ["Dataset", "dcat:Dataset"],
        "name": TITLE,
        "description": DESCRIPTION,
        "url": edition.url,
        "version": edition.version,
        "dateModified": moment(edition.at),
        "license": LICENCE_URL,
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": CREATOR},
        "keywords": list(KEYWORDS),
        "citation": edition.citation,
        "inLanguage": "en",
        **_period(edition),
        "spatialCoverage": [{"@type": "Place", "name": place} for place in edition.places],
        "variableMeasured": [
            {"@type": "PropertyValue", "name": measure.value, "description": measure.meaning}
            for measure in Measure
        ],
        "subjectOf": f"{edition.base_url}{edition.pinned('/v1/codebook')}",
        "distribution": distributions,
        "dct:title": TITLE,
        "dct:description": DESCRIPTION,
        "dct:license": LICENCE_URL,
        "dct:issued": moment(edition.at),
        "dct:creator": CREATOR,
        "dcat:version": edition.version,
        "dcat:keyword": list(KEYWORDS),
        "dcat:landingPage": edition.url,
        "dcat:distribution": [each["@id"] for each in distributions],
    }


def _period(edition: Edition) -> dict[str, Any]:
    first, last = edition.size.first, edition.size.last
    if first is None or last is None:
        return {}
    period = {"@type": "dct:PeriodOfTime", "dcat:startDate": f"{first}", "dcat:endDate": f"{last}"}
    return {"temporalCoverage": f"{first}/{last}", "dct:temporal": period}


def _distribution(edition: Edition, file: FileFacts) -> dict[str, Any]:
    url = file.path if "://" in file.path else f"{edition.base_url}/{file.path}"
    told: dict[str, Any] = {
        "@id": url,
        "@type": ["DataDownload", "dcat:Distribution"],
        "name": file.resource,
        "contentUrl": url,
        "encodingFormat": file.media_type,
        "license": LICENCE_URL,
        "dct:title": file.resource,
        "dct:license": LICENCE_URL,
        "dcat:downloadURL": url,
        "dcat:mediaType": file.media_type,
    }
    if file.bytes is not None:
        told |= {"contentSize": f"{file.bytes} B", "dcat:byteSize": file.bytes}
    if file.sha256 is not None:
        told["sha256"] = file.sha256
    return told
