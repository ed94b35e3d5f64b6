"""`python -m sober_clip`, the same as the command `sober-clip`."""

import sys

from sober_clip.console import main

if __name__ == "__main__":
    sys.exit(main())
