"""Read and write model folders, and download them from and upload them to the Hub."""
