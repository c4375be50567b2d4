"""Folders and archives of images: list the files, decide which are rows of which split and class, then copy.

The files go one way: `listing` (what lies there), `layout` (what the folders mean), `plan` (which file is which
row, and why others are not), `copies` (Parquet, once). All that is left out is counted in a `FolderReport`. `hub` goes
the same way with the files of a repo on the Hub.
"""
