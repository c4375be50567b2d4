"""Datasets that Trazo was not made for: Trazo compared with what people would use instead."""
