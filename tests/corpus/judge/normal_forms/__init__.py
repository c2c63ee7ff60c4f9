"""One normal form per wire format; `normal.py` picks."""
