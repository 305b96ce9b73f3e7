# SPDX-License-Identifier: GPL-2.0-or-later
"""Which farewelld and farewell are tried; to be chosen before `world` is imported, which reads it."""

import os


def choose(directory):
    """Those of this folder."""
    for name in ("farewelld", "farewell"):
        os.environ[name.upper()] = os.path.join(directory, name)
