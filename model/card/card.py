"""The model card, written from the reports next to the weights and from nothing else."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from model.artifacts import EXPORT_FORMATS
from model.card.context import make_context
from model.card.energy import Electricity, emissions
from model.config import CnnConfig
from model.console import one_line
from model.io.reports import is_on_hub

if TYPE_CHECKING:
    from model.io.reports.evaluation import EvaluationReport
    from model.io.reports.exports import ExportsReport
    from model.io.reports.training import TrainingReport
    from model.io.reports.trials import TrialsReport

TEMPLATE = Path(__file__).with_name("card.md")


def render_card(
    config: CnnConfig,
    training: "TrainingReport | None" = None,
    trials: "TrialsReport | None" = None,
    evaluation: "EvaluationReport | None" = None,
    repo_id: str | None = None,
    license: str | None = None,
    exports: "ExportsReport | None" = None,
    electricity: Electricity | None = None,
    space: str | None = None,
) -> ModelCard:
    """Return the model card: its metadata for the Hub and the filled template card.md.

    Args:
        config: the model's config.
        training: None if this package did not train the model.
        trials: None if there was no search.
        evaluation: of these weights; None if they were not evaluated.
        repo_id: what the examples load; None for the folder of the card.
        license: identifier as the Hub knows it, such as `apache-2.0`.
        exports: of these weights, or None.
        electricity: that the training used; None if the publisher does not say.
        space: `owner/name` of a Space that shows the model, or None.
    """
    sources = training.data.sources if training else []
    start = training.starting_point if training else None
    formats = exports.formats if exports else {}
    result = _comparable_result(evaluation)
    kind = None if config.task == "regression" else "image-classification"  # the Hub has no name for the other
    data = ModelCardData(
        license=license,
        library_name="keras",
        tags=["trazo", "keras", kind or "regression", "cnn", *_hub_tags(formats)],
        datasets=[one.dataset for one in sources if is_on_hub(one.dataset, one.revision, one.path)] or None,
        metrics=["accuracy"] if evaluation and not evaluation.is_regression else None,
        base_model=start.name if start and start.revision else None,
        base_model_relation="finetune" if start and start.revision else None,
        pipeline_tag=kind,
        model_name=one_line((repo_id or config.title or "model").split("/")[-1]) if result else None,
        eval_results=[result] if result else None,
        co2_eq_emissions=emissions(training, trials, electricity) if training else None,
    )
    context = make_context(config, training, trials, evaluation, repo_id, license, exports, electricity, space)
    return ModelCard.from_template(data, template_path=str(TEMPLATE), **vars(context))


def _hub_tags(formats: Iterable[str]) -> list[str]:
    """Return what the Hub calls the formats, each once."""
    return list(dict.fromkeys(tag for name in formats if (tag := EXPORT_FORMATS[name].hub_tag)))


def _comparable_result(evaluation: "EvaluationReport | None") -> EvalResult | None:
    """Return what the Hub compares models by: an accuracy that others can measure, on rows the network has not seen."""
    if evaluation is None or evaluation.is_regression:
        return None
    if not is_on_hub(evaluation.dataset, evaluation.revision, evaluation.path):
        return None
    if evaluation.comparison is None or not evaluation.comparison.compared:
        return None
    return EvalResult(
        task_type="image-classification",
        dataset_type=evaluation.dataset,
        dataset_name=evaluation.dataset,
        dataset_config=evaluation.config,
        dataset_split=evaluation.split,
        dataset_revision=evaluation.revision,
        metric_type="accuracy",
        metric_value=evaluation.accuracy,
    )
