"""What the codebook says in its own words: the figures rule for readers, and what to know before counting.

What a variable or a word means is written where it is defined (`db/inputs.py`, `db/records.py`,
`db/enums.py`); the exact rule, with every tie, is `db/figures.py`. Names and words stand in backticks.
"""

from api.codebookschemas import CodebookCaution

RULE = (
    "Sources disagree, so the data hold claims: who says how many, in which direction, according to which "
    "articles. Figures follow from the claims of one exchange, for each direction and measure.",
    "A claim counts unless its rank is `deprecated` or it covers a `fragment`. Claims that do not count "
    "are kept and shown.",
    "Who states a number is its claimant: a named actor, or an article in its own voice, where `claimant` "
    "is null.",
    "`low` and `high` are the smallest and the largest count that enters the measure. For military, "
    "civilian, child, wounded and remains, every counted claim of that category enters.",
    "For `persons`, every counted `total` that covers `all` enters. A claimant without a total enters with "
    "the sum of its own values for military, civilian, child and wounded that cover `all`; but a sum of "
    "children and wounded alone is left out where another claimant gives a total, since they are often "
    "named out of a larger group.",
    "Where a claimant makes several claims of one category, its own value is its `preferred` claim; else "
    "the one with most citations; then an `exact` one; then the larger.",
    "`best` is one of these own values. Claimants with a `preferred` claim of the measure go first. Then "
    "comes the receiving party, which counts the people who have arrived; then the releasing party; then a "
    "mediator; then any other named actor; last the article's own voice. Ties go to more citations, then "
    "to the larger number.",
    "A figure is `disputed` if two claimants state `exact` values that differ, and `disputed_by_parties` "
    "if the releasing and the receiving party do.",
    "`attestation` tells who stands behind a figure; `independent_sources` counts the different agencies, "
    "or publishers where no agency is named, behind `best`. An article that carries an agency's text is "
    "the agency's.",
    "An exchange for which nobody published a number has no figure. That is not zero.",
)
CAUTIONS = (
    CodebookCaution(
        code="zero",
        title="A zero is not always zero",
        text="A period without records, or a sum of zero, says only that none is recorded. Coverage notes "
        "tell what is known of such gaps: `none_known` means that it was searched for and none is "
        "known; `not_searched` means that nobody looked. A zero without a coverage note is not known "
        "to be zero.",
    ),
    CodebookCaution(
        code="double_counting_claims",
        title="Double counting within an exchange",
        text="Claims are rival accounts of the same people, and categories are parts of the total: never "
        "add up claims, and never add `military` or `child` to `persons`. Use the figures, one for "
        "each direction and measure.",
    ),
    CodebookCaution(
        code="double_counting_overlaps",
        title="Double counting between exchanges",
        text="Some people were counted on two days, or in two exchanges. `overlaps` names the exchange, "
        "the direction, the measure and the number; subtract it once when both exchanges are in a "
        "sum. The sums that this service gives do so in their total, and say by how much.",
    ),
    CodebookCaution(
        code="double_counting_groups",
        title="Double counting between groups",
        text="An exchange with two mediators, two claimants or several publishers belongs to each of their "
        "groups. The groups therefore add up to more than the total, in which each exchange counts "
        "once.",
    ),
)
CONVENTIONS = (
    "Days are YYYY-MM-DD; moments are RFC 3339 in UTC. Where several days are one exchange, `date` is the "
    "first and `date_end` the last.",
    "Null means that a value is unknown or does not apply, as the variable says; it never means zero. In "
    "CSV and XLSX it is an empty cell.",
    "In CSV and XLSX, lists are one cell, joined by `|`; an item that holds a `|` or a backslash has a "
    "backslash before it. A text that a spreadsheet would run as a formula has an apostrophe before it.",
    "What is marked as derived no curator writes: it is computed from the rest, or kept by the service.",
    "Ids are names: they never change, are never used again, and say nothing by themselves.",
    "No record names a prisoner or a child. There are only numbers and roles.",
)
