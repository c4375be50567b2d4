"""The table of tasks: last layer, and which losses suit."""

import pytest

from model.errors import TrazoError
from model.heads import HEADS, LOSSES, check_head, output_activation, output_units


@pytest.mark.parametrize("task", HEADS)
@pytest.mark.parametrize("loss", [*LOSSES, "brier"])
def test_check_head_unsuitable_loss_is_refused_with_suitable_ones(task, loss):
    if loss in HEADS[task].losses:
        check_head(task, loss)
        return
    with pytest.raises(TrazoError, match=f"these suit it: {', '.join(HEADS[task].losses)}"):
        check_head(task, loss)


def test_output_layer_suits_the_task():
    assert [output_units(p, n) for p, n in (("binary", 2), ("multiclass", 7), ("regression", 1))] == [1, 7, 1]
    activations = [output_activation(p, HEADS[p].losses[0]) for p in ("binary", "multiclass", "regression")]
    assert activations == ["sigmoid", "softmax", "linear"]
    assert output_activation("regression", "poisson") == "softplus"  # a mean of counts is positive
