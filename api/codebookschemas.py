"""The codebook as it is published: what each variable is, how it is coded, and what each word means.

The models only; what they are filled with comes from `api/codebook.py` and `api/codebooktexts.py`.
"""

import datetime as dt

from api.schemas import DatasetState
from db.fields import Measure, Model, described

_STATE = {"revision": 4012, "release": None, "updated_at": "2026-11-24T12:00:00.000000Z"}
_SENTENCE = "Best is 189, the count of `ukraine`, which received the people: its count goes first."


class CodebookWord(Model):
    """One word of a vocabulary."""

    word: str = described("The word as the data hold it.", "at_least")
    meaning: str = described("What it means.", "A lower bound: more than 180, at least 180.")


class CodebookVocabulary(Model):
    """The words that a variable may hold."""

    name: str = described("The name by which variables refer to it.", "qualifier")
    description: str = described("What its words tell.", "How a count is worded.")
    words: list[CodebookWord] = described("All words, each with its meaning.", [])


class CodebookVariable(Model):
    """One variable: a field of a table, or of a part of one."""

    name: str = described("The name of the variable.", "count")
    type: str = described(
        "`text`, `integer`, `number`, `boolean`, `date`, `moment`, `word` (of a vocabulary) or `record` "
        "(a part that has variables of its own).",
        "integer",
    )
    many: bool = described("Whether it is a list of these.", example=False)
    may_be_null: bool = described("Whether it may be null.", example=False)
    curated: bool = described("Whether curators write it; else it is derived or kept by the service.", True)
    description: str = described("What it says.", "How many people.")
    coding: str = described("How it is coded.", "Whole number from 0 to 100000000.")
    vocabulary: str | None = described("The vocabulary whose words it holds, or null.", None)
    table: str | None = described("The table whose ids it holds, or null.", None)
    part: str | None = described("The part, or table, that tells what the record consists of; or null.", None)
    example: str = described("An example, as JSON.", "189")


class CodebookColumn(Model):
    """A column that files have and JSON has not: a variable of a part, or a list written as texts."""

    name: str = described("The name of the column.", "persons_best")
    type: str = described("What its cells hold: as the type of a variable, or `list`.", "integer")
    may_be_null: bool = described("Whether its cells may be empty for want of a value.", example=True)
    description: str = described("What it says.", "Living people in all directions. Sum of the best figures.")


class CodebookTable(Model):
    """A table: records of one kind."""

    name: str = described("The name of the table, as in the path of its list.", "claims")
    path: str = described("Path of its list, or of its file.", "/v1/claims")
    description: str = described("What its records are.", "A claim on its own.")
    variables: list[CodebookVariable] = described("Its variables, in the order of the records.", [])
    columns: list[CodebookColumn] = described("The columns that only files have.", [])


class CodebookPart(Model):
    """A part of records that is no table of its own."""

    name: str = described("The name by which variables refer to it.", "location")
    description: str = described("What it is.", "Where an exchange took place.")
    variables: list[CodebookVariable] = described("Its variables.", [])


class WorkedFigure(Model):
    """How one figure comes about, step by step."""

    released_by: str = described("Id of the releasing actor.", "russia")
    received_by: str = described("Id of the receiving actor.", "ukraine")
    measure: Measure = described("Who is measured.", "persons")
    low: int = described("The lowest count.", 150)
    best: int = described("The count taken.", 189)
    high: int = described("The highest count.", 189)
    steps: list[str] = described("The steps, as sentences.", [_SENTENCE])


class WorkedExample(Model):
    """The figures rule at work on a record of the dataset."""

    exchange: str = described("Id of the exchange.", "2024-12-30-russia-ukraine")
    path: str = described("Path of the exchange.", "/v1/exchanges/2024-12-30-russia-ukraine")
    date: dt.date = described("Its day.", "2024-12-30")
    summary: str = described("What happened.", "New Year swap mediated by the UAE.")
    figures: list[WorkedFigure] = described("Its figures of living people.", [])


class CodebookRule(Model):
    """The rule by which figures follow from claims."""

    version: int = described("The version of the rule.", 1)
    statements: list[str] = described("The rule, in order.", ["A claim counts, unless…"])
    example: WorkedExample | None = described(
        "The rule at work; null if no exchange has a figure of living people.", None
    )


class CodebookCaution(Model):
    """Something to know before counting."""

    code: str = described("What it is about.", "zero")
    title: str = described("The caution in short.", "A zero is not always zero")
    text: str = described("The caution.", "Without a coverage note, nobody knows whether none took place.")


class CodebookAnswer(Model):
    """The codebook: every variable, its coding and its vocabulary, and the rule that figures follow."""

    title: str = described("The title of the dataset.", "Prisoner exchanges: claims and their sources")
    description: str = described("What the dataset holds.", "Curated records of prisoner exchanges.")
    licence: str = described("The licence of the data, SPDX.", "CC-BY-4.0")
    citation: str = described("How to cite the dataset.", "Prisoner exchanges, dataset revision 1 (2026).")
    cautions: list[CodebookCaution] = described("What to know before counting.", [])
    figures_rule: CodebookRule = described(
        "How figures follow from claims.",
        {"version": 1, "statements": ["A claim counts, unless…"], "example": None},
    )
    conventions: list[str] = described("What holds for all tables and files.", ["Days are YYYY-MM-DD."])
    tables: list[CodebookTable] = described("The tables.", [])
    parts: list[CodebookPart] = described("Parts of records that are no tables.", [])
    vocabularies: list[CodebookVocabulary] = described("The vocabularies.", [])
    dataset: DatasetState = described("The state of the dataset that was read.", _STATE)
