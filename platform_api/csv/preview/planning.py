"""Suggests the table that a file becomes: a name and a type for each column, and how sure the type is.

A few values that do not fit make no column of text: they go to the repair list. So a column has the type of at least
nine tenths of its values, unless a value would change by it (`007`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from platform_api.core.errors import Unprocessable
from platform_api.csv.errors import LineRejected
from platform_api.csv.preview.inference import ColumnInference, NotReversible, Trial
from platform_api.csv.preview.naming import column_names
from platform_api.csv.preview.schemas import Confidence, PlannedColumn, TablePlan
from platform_api.csv.values.cells import Cell
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column, TableDefinition, UniqueKey
from platform_api.tables.names import TableFault

MAX_PLANNED_COLUMNS = 500
_MIN_CERTAIN = 10
"""Fewer values do not tell for certain."""
_MIN_SHARE = 0.9
_MIN_DOUBT = 0.5
_USUAL_NUMBERS: Mapping[str, str] = {"decimal": "."}


@dataclass(frozen=True, slots=True)
class Guess:
    """Holds a suggested type, and the options with which the values are read as such."""

    type: ColumnType
    confidence: Confidence
    options: Mapping[str, str]


def suggest_plan(table: str, headers: Sequence[str], guesses: Sequence[Guess]) -> TablePlan:
    """Returns the plan for a file with these headers; only the first 500 columns become columns."""
    names = column_names(headers)
    planned = [
        PlannedColumn(position=position, name=name, type=guess.type)
        for position, (name, guess) in enumerate(zip(names, guesses, strict=True), 1)
    ]
    return TablePlan(table=table, columns=planned[:MAX_PLANNED_COLUMNS])


def guess_type(
    inference: ColumnInference, kind: ColumnType | None, numbers: Mapping[str, str], dates: Mapping[str, str]
) -> Guess:
    """Returns the suggested type of a column; `kind` is the one that fits every value, None for an empty column."""
    if kind is None:
        return Guess(ColumnType.TEXT, Confidence.UNSURE, {})
    if kind is not ColumnType.TEXT:
        is_certain = inference.filled >= _MIN_CERTAIN
        return Guess(kind, Confidence.CERTAIN if is_certain else Confidence.LIKELY, {})
    best: Guess | None = None
    highest = _MIN_DOUBT
    for trials in _by_kind(inference).values():
        trial = _chosen(trials, numbers if trials[0].kind is ColumnType.NUMERIC else dates)
        if trial is None or (fitting := _fitting(trial, inference)) is None:
            continue
        share = len(fitting) / len(inference.cells)
        if share >= _MIN_SHARE:
            return Guess(_narrow(trial, fitting), Confidence.LIKELY, trial.options)
        if share >= highest:
            highest = share
            best = Guess(ColumnType.TEXT, Confidence.UNSURE, {})
    return best or Guess(ColumnType.TEXT, Confidence.CERTAIN, {})


def planned_definition(plan: TablePlan) -> TableDefinition:
    """Returns the definition of the planned table, without an app. Raises Unprocessable for a name that cannot be."""
    columns = tuple(Column(name=column.name, type=column.type) for column in plan.columns if column.name is not None)
    unique = (UniqueKey(columns=tuple(plan.key)),) if plan.key else ()
    definition = TableDefinition(app_id=1, name=plan.table, columns=columns, unique=unique)
    try:
        definition.check()
    except TableFault as fault:
        raise Unprocessable(f"plan: {fault.message}", field="plan") from fault
    return definition


def plan_mapping(headers: Sequence[str], plan: TablePlan) -> dict[str, str | None]:
    """Returns the mapping of an import into the planned table; columns that it does not name are left out.

    A column without a header that the plan does not have stays open: a line with a value there is rejected, not cut.
    """
    names = {column.position: column.name for column in plan.columns}
    mapping: dict[str, str | None] = {}
    for position, header in enumerate(headers, 1):
        if not header and position not in names:
            continue
        is_unique = bool(header) and headers.count(header) == 1
        mapping[header if is_unique else f"#{position}"] = names.get(position)
    return mapping


def _by_kind(inference: ColumnInference) -> dict[ColumnType, list[Trial]]:
    trials: dict[ColumnType, list[Trial]] = {}
    for trial in inference.trials:
        if trial.is_likely:
            trials.setdefault(trial.kind, []).append(trial)
    return trials


def _chosen(trials: Sequence[Trial], chosen: Mapping[str, str]) -> Trial | None:
    """Returns the trial with the options that the file has; None where they are ambiguous."""
    highest = max(trial.fits for trial in trials)
    best = [trial for trial in trials if trial.fits == highest]
    for trial in best:
        if not trial.options or trial.options == (chosen or _USUAL_NUMBERS):
            return trial
    # The separator of thousands may stay open, but not what divides a number, or where its day stands.
    decisive = {(trial.options.get("decimal"), trial.options.get("date_order")) for trial in best}
    return best[0] if len(decisive) == 1 and not chosen else None


def _fitting(trial: Trial, inference: ColumnInference) -> list[Cell] | None:
    """Returns the distinct values that can be read so; None when a value would change."""
    fitting = []
    for cell in inference.cells:
        try:
            trial.read(cell)
            fitting.append(cell)
        except NotReversible:
            return None
        except LineRejected:
            continue
    return fitting


def _narrow(trial: Trial, cells: Sequence[Cell]) -> ColumnType:
    return trial.number_kind(cells) if trial.kind is ColumnType.NUMERIC else trial.kind
