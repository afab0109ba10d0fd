"""A budget of seconds for the estimators: that of `conf/smoke`."""

from pathlib import Path

import yaml

SMOKE = yaml.safe_load((Path(__file__).parents[1] / "conf/smoke/parameters.yml").read_text())
