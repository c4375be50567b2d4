"""How long a trial is, by the number of images and by the time that there is."""

from dataclasses import dataclass

# A trial has as many steps as three epochs, but at least and at most so many: with fewer a search prefers networks that
# learn fast to those that end well, and more cost more than they tell. It is never longer than a third of a training.
TRIAL_EPOCHS = 3
MIN_TRIAL_STEPS, MAX_TRIAL_STEPS = 1000, 3000
TRIALS_PER_TRAINING = 3
# A trial can be stopped after a validation. There are at most so many, and they take at most a quarter of the time of
# the trial's steps, if a step takes as long as validating three batches.
MAX_VALIDATIONS, MAX_VALIDATION_SHARE, VALIDATION_BATCHES_PER_STEP = 6, 0.25, 3
FULL_TRIALS = 4  # that a search whose time is limited has at least; they are shorter otherwise


@dataclass(frozen=True)
class TrialLength:
    """The length of a trial that is not stopped."""

    epochs: int
    steps: int | None  # of an epoch; None for all batches

    def per_epoch(self, batches: int) -> int:
        """Return the steps of an epoch, if all rows are so many batches."""
        return min(batches, self.steps or batches)


def choose_trial_length(
    batches: int, validation_batches: int, training_steps: int, search_steps: float | None = None
) -> TrialLength:
    """Return how long a trial is: by the number of images, and by what the training and the search may take.

    Args:
        batches: of all training rows.
        validation_batches: of all validation rows.
        training_steps: of the training that follows.
        search_steps: that the whole search may take; None for any number.

    Example:
        >>> choose_trial_length(422, 47, 30 * 422)  # 54,000 rows in batches of 128: three epochs in six parts
        TrialLength(epochs=6, steps=211)
    """
    steps = min(max(TRIAL_EPOCHS * batches, MIN_TRIAL_STEPS), MAX_TRIAL_STEPS, training_steps // TRIALS_PER_TRAINING)
    if search_steps is not None:
        steps = min(steps, int(search_steps / FULL_TRIALS))
    steps = max(steps, 1)
    if steps >= MAX_VALIDATIONS * batches:
        return TrialLength(round(steps / batches), None)
    affordable = steps * MAX_VALIDATION_SHARE * VALIDATION_BATCHES_PER_STEP / max(1, validation_batches)
    epochs = min(max(2, int(affordable)), MAX_VALIDATIONS, steps)
    return TrialLength(epochs, -(-steps // epochs))
