import pytest
import torch
from sklearn.metrics import roc_auc_score

from swift_hydra_kedro.models.fitting import LabelledRows
from swift_hydra_kedro.synthesis.pretraining import hold_out, pretrain

from .conftest import TOY_CONFIG


def numbered(n_normal, n_anomalous):
    """Rows that carry their own number."""
    n = n_normal + n_anomalous
    y = torch.cat([torch.zeros(n_normal), torch.ones(n_anomalous)])
    return LabelledRows(torch.arange(float(n)).unsqueeze(1), y, torch.ones(n))


def test_hold_out_is_stratified_and_keeps_every_row_once():
    kept, held_out = hold_out(numbered(100, 10), 0.2, seed=0)
    assert len(held_out.y) == 22
    assert held_out.y.sum() == 2
    assert sorted(torch.cat([kept.x, held_out.x]).flatten().tolist()) == list(range(110))


def test_hold_out_draws_other_rows_for_other_seeds_and_the_same_for_the_same():
    first, same, other = (hold_out(numbered(100, 10), 0.2, seed)[1].x for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_nothing_is_held_out_where_a_class_cannot_spare_a_row():
    rows = numbered(100, 4)
    kept, held_out = hold_out(rows, 0.2, seed=0)
    assert held_out is None
    assert torch.equal(kept.x, rows.x)


def test_pretraining_leaves_a_detector_that_knows_the_anomalies(pretrained, rows):
    with torch.no_grad():
        assert roc_auc_score(rows.y, pretrained.detector(rows.x)) > 0.97


@torch.no_grad()
def test_pretraining_leaves_a_cvae_that_reconstructs_the_anomalies(pretrained, rows):
    label = torch.ones(20)
    mu, _ = pretrained.cvae.encode(rows.anomalies, label)
    error = (pretrained.cvae.decode(mu, label) - rows.anomalies).square().sum()
    assert error < 0.5 * (rows.anomalies - rows.anomalies.mean(0)).square().sum()


def test_pretraining_is_reproducible_and_leaves_global_state_alone(rows):
    config = TOY_CONFIG.model_copy(deep=True)
    before = torch.get_rng_state()
    results = [pretrain(rows, rows, config, seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    for name in ("cvae", "detector"):
        first, same, other = (torch.cat([p.flatten() for p in getattr(r, name).parameters()]) for r in results)
        assert torch.equal(first, same)
        assert not torch.equal(first, other)
    assert results[0].detector_history == results[1].detector_history


def test_histories_hold_step_loss_and_held_out_loss(rows):
    result = pretrain(rows, rows, TOY_CONFIG, seed=0)
    assert result.cvae_history[-1].keys() == {"step", "loss"}
    assert result.detector_history[-1].keys() == {"step", "loss", "held_out_loss"}
    assert result.cvae_history[-1]["step"] == 150


@pytest.mark.parametrize("n_anomalous", [1, 2])
def test_one_or_two_anomalies_are_enough(rows, n_anomalous):
    few = LabelledRows(rows.x[: 120 + n_anomalous], rows.y[: 120 + n_anomalous], rows.weight[: 120 + n_anomalous])
    result = pretrain(few, None, TOY_CONFIG, seed=0)
    assert all(torch.isfinite(p).all() for model in (result.cvae, result.detector) for p in model.parameters())
