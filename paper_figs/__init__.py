"""The figures: one file each, drawn from saved results and published tables; nothing here trains."""
