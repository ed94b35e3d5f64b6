"""What is measured against other software, and where the time goes; `README.md` has the table."""
