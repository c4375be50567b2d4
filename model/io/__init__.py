"""Read and write model folders, and move them from and to the Hub."""
