"""The paper's tables and an independent replication's, as printed, and how they are read."""
