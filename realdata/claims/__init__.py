"""Tests of the paper's claims on published measurements: a file for each claim or kind of claim, one correction."""
