"""Find a dataset's Parquet files and read byte ranges of them."""
