"""The model card, written from the reports that lie beside the weights and from nothing else."""

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from model.card.reproduce import commands
from model.config import CnnConfig
from model.io.reports import datasets_of, evaluated_on_training_split, is_on_hub, redact_local_paths

TEMPLATE = Path(__file__).with_name("card.md")
TAGS = {"onnx": "onnx", "litert": "tflite"}  # what the Hub calls the formats of an exports.json


def render_card(
    config: CnnConfig,
    training: dict[str, Any] | None = None,
    trials: dict[str, Any] | None = None,
    evaluation: dict[str, Any] | None = None,
    repo_id: str | None = None,
    license: str | None = None,
    exports: dict[str, Any] | None = None,
) -> ModelCard:
    """Fill the template card.md.

    Args:
        config: the model's.
        training: training.json; None when the model was not trained by this package.
        trials: trials.json, or None when there was no search.
        evaluation: evaluation.json of these weights, or None when they were not evaluated.
        repo_id: what the example loads; None for the folder that the card lies in.
        license: identifier as the Hub knows it, such as `apache-2.0`.
        exports: exports.json of these weights, or None.
    """
    learned = training["data"] if training else {}
    sources = datasets_of(learned)
    on_hub = [one["dataset"] for one in sources if is_on_hub(one["dataset"], one.get("revision"))]
    trained_on = bool(training and evaluation and evaluated_on_training_split(training, evaluation))
    results = []
    # The Hub compares models by these: only what others can measure too, on rows that the network has not seen.
    if (
        evaluation
        and "accuracy" in evaluation
        and not trained_on
        and is_on_hub(evaluation["dataset"], evaluation.get("revision"))
    ):
        results.append(
            EvalResult(
                task_type="image-classification",
                dataset_type=evaluation["dataset"],
                dataset_name=evaluation["dataset"],
                dataset_config=evaluation.get("config"),
                dataset_split=evaluation["split"],
                dataset_revision=evaluation.get("revision"),
                metric_type="accuracy",
                metric_value=evaluation["accuracy"],
            )
        )
    formats = exports["formats"] if exports else ()
    data = ModelCardData(
        license=license,
        library_name="keras",
        tags=["trazo", "keras", "image-classification", "cnn", *(TAGS[name] for name in formats)],
        datasets=on_hub or None,
        metrics=["accuracy"] if evaluation and "accuracy" in evaluation else None,
        pipeline_tag="image-classification",
        model_name=(repo_id or config.title or "model").split("/")[-1] if results else None,
        eval_results=results or None,
    )
    published = training and redact_local_paths(training)
    measured = evaluation and redact_local_paths(evaluation)
    named = [_with_link(one) for one in datasets_of(published["data"])] if published else []
    per_class = [one for one in (evaluation or {}).get("per_class", []) if one["rows"]]
    completed = [t for t in (trials or {}).get("trials", []) if t["status"] == "COMPLETED"]
    return ModelCard.from_template(
        data,
        template_path=str(TEMPLATE),
        config=config,
        training=published,
        sources=named,
        local=len(on_hub) < len(sources),
        licenses={one["dataset"]: one["license"] for one in named if one.get("license")},
        license=license,
        exports=exports,
        commands=commands(published, trials, measured) if published else [],
        trials=trials,
        completed_trials=len(completed),
        evaluation=measured,
        weakest=min(per_class, key=lambda one: one["recall"]) if per_class else None,
        trained_on=trained_on,
        source=repo_id or "the folder of this card",
    )


def _with_link(one: dict[str, Any]) -> dict[str, Any]:
    """Return a dataset's entry with where to read about it: its page on the Hub, or the homepage that it names."""
    hub = is_on_hub(one["dataset"], one.get("revision"))
    link = f"https://huggingface.co/datasets/{one['dataset']}" if hub else one.get("homepage", "")
    return one | {"link": link if link.startswith(("https://", "http://")) else ""}
