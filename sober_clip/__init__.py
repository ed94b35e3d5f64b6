"""The command `sober-clip`, which lists and starts every program."""
