"""Pretrained networks of others, as layers of Keras."""
