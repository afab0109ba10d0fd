"""Budgets of seconds for the estimators."""

from pathlib import Path

import yaml

SMOKE = yaml.safe_load((Path(__file__).parents[1] / "conf/smoke/parameters.yml").read_text())  # of `conf/smoke`
_WIDER = {"n_experts": 16, "committee_size": 16, "mamba": {"d_model": 16, "bins": 8}}
# The same, with experts and layers for which `models/folded.py` promises that no score depends on other rows
WIDE = SMOKE["detection"] | {"experts": SMOKE["detection"]["experts"] | _WIDER}
