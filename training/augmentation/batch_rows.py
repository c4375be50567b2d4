"""Which rows of a global batch are changed: random numbers are drawn for the batch, and each row takes its own."""

from typing import NamedTuple

from model.backend import tf


class BatchRows(NamedTuple):
    """The rows of a global batch that one worker has and can use.

    Random numbers are drawn for every row of the global batch, and each row takes its own. So what happens to a row
    depends neither on the number of workers, nor on which of them has it, nor on other rows that cannot be used.

    Attributes:
        positions: int32 (n,), ascending: of the rows in the global batch, 0 … count − 1.
        count: int32 (): rows of the global batch.

    Example:
        >>> BatchRows.whole(4).uniform((0, 7), before=(2,)).shape
        TensorShape([2, 4])
    """

    positions: tf.Tensor
    count: tf.Tensor

    @classmethod
    def whole(cls, count: int | tf.Tensor) -> "BatchRows":
        """Return all rows of a batch.

        Args:
            count: how many there are.
        """
        return cls(tf.range(count), tf.convert_to_tensor(count))

    def uniform(
        self, seed: tf.Tensor, before: tuple = (), after: tuple = (), low: float = 0.0, high: float = 1.0
    ) -> tf.Tensor:
        """Return random numbers from low to high for each row.

        Args:
            seed: int32 (2,); equal seeds give a row equal numbers.
            before: dimensions before that of the rows.
            after: dimensions after it.
            low: the smallest number.
            high: the numbers are smaller than this.

        Returns:
            float32 (*before, n, *after).
        """
        drawn = tf.random.stateless_uniform((*before, self.count, *after), seed, low, high)
        return tf.gather(drawn, self.positions, axis=len(before))
