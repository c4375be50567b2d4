"""What another part of a user's program may have set in Keras."""

from collections.abc import Iterator
from contextlib import contextmanager

from model.backend import keras


@contextmanager
def others_settings() -> Iterator[None]:
    """Set what is not Trazo's; checks at the end that it is still set, and restores Keras' defaults."""
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(0.5)
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
        assert settings() == ("float16", 0.5, "channels_first", "mixed_bfloat16"), "another program's settings changed"
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_epsilon(1e-7)
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy("float32")


def settings() -> tuple[str, float, str, str]:
    """Return what is set now."""
    config = keras.config
    return config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy().name
