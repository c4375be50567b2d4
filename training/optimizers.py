"""The optimizers, one row each: what options, training and search know of them. Keras is not imported."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Optimizer:
    """One row of the table.

    Attributes:
        keras_name: its class in `keras.optimizers`.
        learning_rates: (low, high, default) in a search.
        arguments: of its class, besides the learning rate.
        decays_weights: whether it takes `weight_decay`.
    """

    keras_name: str
    learning_rates: tuple[float, float, float]
    arguments: dict[str, Any] = field(default_factory=dict)
    decays_weights: bool = False


# Good step sizes of optimizers differ by orders of magnitude, so each optimizer has a separate range. Those that divide
# by the size of the gradient take steps of about the learning rate. Lion takes the sign of a mean and needs less. Plain
# gradients of this loss are small.
OPTIMIZERS = {
    "adam": Optimizer("Adam", (3e-4, 1e-2, 3e-3)),
    "adamw": Optimizer("AdamW", (3e-4, 1e-2, 3e-3), decays_weights=True),
    "nadam": Optimizer("Nadam", (3e-4, 1e-2, 3e-3)),
    "rmsprop": Optimizer("RMSprop", (1e-4, 3e-3, 1e-3)),
    "sgd": Optimizer("SGD", (1e-2, 3e-1, 1e-1), {"momentum": 0.9, "nesterov": True}),
    "lion": Optimizer("Lion", (3e-5, 1e-3, 3e-4), decays_weights=True),
}
