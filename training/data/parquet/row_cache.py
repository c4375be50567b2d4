"""Downloaded bytes kept on disk: bounded, shared by threads and processes, and nothing but bytes."""

import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

FILE_NAME = "rows.sqlite"
TIMEOUT_S = 60.0  # to wait for another process that writes
EVICTED_AT_A_TIME = 10
# A cache that somebody else wrote may hold wrong bytes, but nothing in it is executed, as a pickle would be.
SETTINGS = "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (path TEXT, first INTEGER, last INTEGER, data BLOB, UNIQUE (path, first, last));
CREATE TABLE IF NOT EXISTS total (bytes INTEGER);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON rows
  BEGIN UPDATE total SET bytes = bytes + length(new.data); END;
CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON rows
  BEGIN UPDATE total SET bytes = bytes - length(old.data); END;
COMMIT;
"""


class RowCache:
    """Byte ranges of files whose bytes never change. The first that were stored are removed first.

    Example:
        >>> cache = RowCache(folder, limit_bytes=1_000_000)
        >>> cache.set("a.parquet", 0, 4, b"PAR1")
        >>> cache.get("a.parquet", 0, 4)
        b'PAR1'
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Open the cache in a folder, or make one.

        Raises:
            OSError, sqlite3.Error: if this is not possible.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._limit_bytes, self._lock = limit_bytes, Lock()
        self._database = sqlite3.connect(folder / FILE_NAME, TIMEOUT_S, isolation_level=None, check_same_thread=False)
        # SQLite does not wait for another process while the journal's mode changes.
        with FileLock(folder / f"{FILE_NAME}.lock", TIMEOUT_S):
            self._database.executescript(SETTINGS + SCHEMA)

    def get(self, path: str, begin: int, end: int) -> bytes | None:
        """Return bytes [begin, end) of a file, or None if they are not kept.

        Raises:
            sqlite3.Error: if the cache cannot be read.
        """
        query = "SELECT data FROM rows WHERE path = ? AND first = ? AND last = ?"
        with self._lock:
            found = self._database.execute(query, (path, begin, end)).fetchone()
        return found[0] if found and isinstance(found[0], bytes) and len(found[0]) == end - begin else None

    def set(self, path: str, begin: int, end: int, data: bytes) -> None:
        """Keep bytes [begin, end) of a file, and remove what is then too much.

        Raises:
            sqlite3.Error: if the cache cannot be written.
        """
        if len(data) > self._limit_bytes:
            return
        oldest = f"SELECT rowid FROM rows ORDER BY rowid LIMIT {EVICTED_AT_A_TIME}"
        with self._lock, self._database as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", (path, begin, end, data))
            while self._total_bytes() > self._limit_bytes:
                if not database.execute(f"DELETE FROM rows WHERE rowid IN ({oldest})").rowcount:
                    break  # the total is wrong

    def clear(self) -> None:
        """Remove everything and return its place on the disk.

        Raises:
            sqlite3.Error: if the cache cannot be written.
        """
        with self._lock:
            self._database.execute("DELETE FROM rows")
            self._database.execute("UPDATE total SET bytes = 0")
            self._database.execute("VACUUM")

    def close(self) -> None:
        """Close the cache."""
        self._database.close()

    def _total_bytes(self) -> int:
        (total,) = self._database.execute("SELECT bytes FROM total").fetchone()
        return total


def clear_rows(folder: Path) -> bool:
    """Remove everything from the cache in a folder, or the cache itself where it is damaged or the disk is full.

    Returns:
        False if another process writes it all the time.

    Raises:
        OSError: if a file cannot be removed.
    """
    try:
        with closing(RowCache(folder, 0)) as cache:
            cache.clear()
    except Timeout:
        return False
    except sqlite3.Error as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        for ending in ("", "-wal", "-shm"):
            Path(folder, f"{FILE_NAME}{ending}").unlink(missing_ok=True)
    return True
