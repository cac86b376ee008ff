"""`python -m adminapi.cli`, which is `parley`."""

from __future__ import annotations

import sys

from adminapi.cli import main

sys.exit(main())
