"""A check of photos before they are evaluated."""
