"""Project data on disk: readers, shape conversion, label files."""
