"""What the model card says: finished sentences and table rows, made from a config and its reports."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.artifacts import NOTEBOOK_FILE
from model.card import comparison, demo, energy, sentences, usage
from model.card.markdown import cell, list_codes, plain
from model.card.reproduce import list_commands
from model.card.sentences import Rows
from model.config import CnnConfig
from model.console import one_line
from model.drawings import takes_drawings

if TYPE_CHECKING:
    from model.io.reports.evaluation import EvaluationReport
    from model.io.reports.exports import ExportsReport
    from model.io.reports.training import TrainingReport
    from model.io.reports.trials import TrialsReport


@dataclass(frozen=True)
class CardContext:
    """The values of card.md's placeholders. An empty text or list leaves its part of the card out."""

    title: str
    subject_sentence: str
    labels: str
    keras_source: str  # what the example with Keras alone loads
    packages: str  # that the example with Keras alone needs
    input_sentence: str
    source: str  # what the other examples load
    abilities_sentence: str
    usage_lines: list[str]
    trazo_sentence: str
    notebook: str
    demo_line: str
    image_shape: str
    export_rows: Rows
    export_machines: str  # that the times in them were measured on
    export_files: dict[str, str]  # format -> file
    network_rows: Rows
    data_sentence: str
    starting_sentence: str
    training_sentence: str
    hyperparameter_rows: Rows
    environment_sentence: str
    energy_sentence: str
    commands_sentence: str
    commands: list[str]
    recipe_sentence: str
    evaluation_sentence: str
    evaluation_rows: Rows
    interval_sentence: str
    remarks_sentence: str
    seed_rows: Rows
    class_rows: Rows
    figure_row: tuple[str, ...]
    extra_sentence: str
    extra_header: tuple[str, ...]
    extra_rows: Rows
    answer: str
    limits_sentence: str
    sources_sentence: str
    license_sentence: str


def make_context(
    config: CnnConfig,
    training: "TrainingReport | None",
    trials: "TrialsReport | None",
    evaluation: "EvaluationReport | None",
    repo_id: str | None,
    license: str | None,
    exports: "ExportsReport | None",
    electricity: energy.Electricity | None,
    space: str | None,
) -> CardContext:
    """Return the values for the template; the arguments are those of `render_card`."""
    published, measured = training and training.redacted(), evaluation and evaluation.redacted()
    sources = published.data.sources if published else []
    draws = takes_drawings(config, any(source.sketches for source in sources))
    return CardContext(
        title=plain(config.title or "A Trazo model"),
        subject_sentence=sentences.subject_sentence(config, sources),
        labels=list_codes(config.labels),
        keras_source=usage.keras_source(repo_id),
        packages=usage.PACKAGES,
        input_sentence=usage.input_sentence(config),
        source=repo_id or "the folder of this card",
        abilities_sentence=usage.abilities_sentence(config, draws),
        usage_lines=usage.usage_lines(config, draws),
        trazo_sentence=usage.trazo_sentence(),
        notebook=NOTEBOOK_FILE if repo_id else "",
        demo_line=demo.demo_line(space) if space else "",
        image_shape=sentences.join_values(config.image_shape),
        export_rows=_table(usage.export_rows(exports)) if exports else [],
        export_machines=usage.machines(exports) if exports else "",
        export_files={name: one.file for name, one in exports.formats.items()} if exports else {},
        network_rows=_table(sentences.network_rows(config, published)),
        data_sentence=sentences.data_sentence(published) if published else "",
        starting_sentence=sentences.starting_sentence(published) if published else "",
        training_sentence=sentences.training_sentence(published) if published else "",
        hyperparameter_rows=_table(sentences.hyperparameter_rows(published)) if published else [],
        environment_sentence=sentences.environment_sentence(published) if published else "",
        energy_sentence=energy.energy_sentence(published, trials, electricity) if published else "",
        commands_sentence=sentences.commands_sentence(training) if training else "",
        commands=[one_line(line) for line in list_commands(published, trials, measured)] if published else [],
        recipe_sentence=sentences.recipe_sentence(published, trials),
        evaluation_sentence=sentences.evaluation_sentence(measured) if measured else "",
        evaluation_rows=_table(sentences.evaluation_rows(measured)) if measured else [],
        interval_sentence=sentences.interval_sentence(measured) if measured else "",
        remarks_sentence=sentences.remarks_sentence(measured) if measured else "",
        seed_rows=_table(sentences.seed_rows(measured)) if measured else [],
        class_rows=_table(sentences.class_rows(measured)) if measured else [],
        figure_row=sentences.figure_row(measured) if measured else (),
        extra_sentence=comparison.extra_sentence(measured) if measured else "",
        extra_header=sentences.extra_header(measured) if measured else (),
        extra_rows=_table(sentences.extra_rows(measured)) if measured else [],
        answer="a number" if config.task == "regression" else "one of the labels",
        limits_sentence=sentences.limits_sentence(config, measured),
        sources_sentence=sentences.sources_sentence(published, measured),
        license_sentence=sentences.license_sentence(license, published),
    )


def _table(rows: Rows) -> Rows:
    return [tuple(map(cell, row)) for row in rows]
