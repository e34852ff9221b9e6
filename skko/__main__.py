"""``python -m skko`` is the command ``skko``."""

import sys

from skko.cli.main import main

sys.exit(main())
