"""The page `report.html`: templates, and what fills them from result files."""
