from __future__ import annotations

import subprocess
import sys

from local_staging.errors import StagingError

WALK = """
import importlib, pkgutil, sys, local_staging
for module in pkgutil.walk_packages(local_staging.__path__, "local_staging."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sorted({"capture", "replay", "evidence", "deadheat"} & set(sys.modules)))
"""


def test_error_is_no_error_of_the_tool() -> None:
    assert StagingError.__bases__ == (Exception,)


def test_stand_in_shares_no_code_with_the_tool() -> None:
    found = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
