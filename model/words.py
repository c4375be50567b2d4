"""Words that more than one package writes."""


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a number with its noun.

    Args:
        count: how many.
        one: the noun in the singular.
        several: its plural, if that is not the singular with an s.

    Example:
        >>> counted(1, "row"), counted(1200, "class", "classes")
        ('1 row', '1,200 classes')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
