"""A run's folder: the names of its files, and who reads and writes them."""
