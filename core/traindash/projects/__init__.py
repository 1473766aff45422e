"""What people do with projects: merge classes, move images, split and merge datasets, take back what they deleted."""
