"""A file of which only some byte ranges are present."""

import io


class SparseFile(io.RawIOBase):
    """Lets pyarrow read a Parquet file from the byte ranges that were downloaded."""

    def __init__(self, parts: dict[int, bytes]) -> None:
        """Set the content.

        Args:
            parts: position -> bytes; the ranges do not overlap.
        """
        self._parts, self._position = parts, 0
        self._size = max(begin + len(data) for begin, data in parts.items())

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def view(self, begin: int, end: int) -> memoryview:
        """Return the bytes [begin, end), as far as they are in one part, without copying them."""
        for start, data in self._parts.items():
            if start <= begin < start + len(data):
                return memoryview(data)[begin - start : end - start]
        return memoryview(b"")

    def read(self, size: int = -1) -> memoryview:
        """Return up to `size` bytes of the part at the position, without copying them; nothing outside the parts."""
        piece = self.view(self._position, self._size if size < 0 else self._position + size)
        self._position += len(piece)
        return piece
