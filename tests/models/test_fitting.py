import pytest
import torch
import torch.nn.functional as F

from swift_hydra_kedro.config import BalancedTrainingConfig, CVAEConfig, MambaConfig
from swift_hydra_kedro.models import fitting
from swift_hydra_kedro.models.cvae import CVAE
from swift_hydra_kedro.models.detector import MambaDetector
from swift_hydra_kedro.models.encoding import PiecewiseLinearEncoding
from swift_hydra_kedro.models.fitting import LabelledRows, balanced_loss, fit_cvae, fit_detector

SHORT = BalancedTrainingConfig(epochs=100, max_steps=60, batch_size=16, learning_rate=1e-2)


@pytest.fixture
def rows():
    y = (torch.arange(60) % 6 == 0).float()
    return LabelledRows(torch.randn(60, 3) + 2 * y.unsqueeze(1), y, torch.ones(60))


@pytest.fixture
def cvae():
    return CVAE(3, CVAEConfig(latent_size=2, hidden_size=16))


@pytest.fixture
def detector(rows):
    return MambaDetector(PiecewiseLinearEncoding.fit(rows.x.numpy(), 0), MambaConfig(d_model=8, bins=0, depth=1))


def state(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_selected_rows_keep_their_labels_and_weights(rows):
    some = rows[torch.tensor([6, 1])]
    assert some.y.tolist() == [1, 0]
    assert torch.equal(some.x, rows.x[[6, 1]])


def test_anomalies_join_behind_with_weight_one(rows):
    joined = rows.with_anomalies(torch.zeros(2, 3))
    assert joined.y.tolist() == [*rows.y.tolist(), 1, 1]
    assert joined.weight[-2:].tolist() == [1, 1]
    assert torch.equal(joined.anomalies, torch.cat([rows.x[::6], torch.zeros(2, 3)]))


def test_cvae_s_loss_falls(cvae, rows, generator):
    history = fit_cvae(cvae, rows, SHORT, generator)
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert [record["step"] for record in history] == list(range(3, 61, 3))


def test_detector_learns_a_separable_table(detector, rows, generator):
    fit_detector(detector, rows, None, SHORT, generator)
    assert balanced_loss(detector, rows) < 0.2


def test_step_budget_is_kept_where_it_is_smaller_than_the_epochs(cvae, rows, generator):
    history = fit_cvae(cvae, rows, BalancedTrainingConfig(epochs=2, max_steps=3, batch_size=16), generator)
    assert [record["step"] for record in history] == [1, 2, 3]
    history = fit_cvae(cvae, rows, BalancedTrainingConfig(epochs=2, batch_size=16), generator)
    assert history[-1]["step"] == 8


def test_best_state_on_the_held_out_rows_is_kept(detector, rows, generator):
    flipped = LabelledRows(rows.x, 1 - rows.y, rows.weight)  # what is learnt only makes it worse
    history = fit_detector(detector, rows, flipped, SHORT, generator)
    losses = [record["held_out_loss"] for record in history]
    assert balanced_loss(detector, flipped) == pytest.approx(min(losses), rel=1e-5)
    assert min(losses) < losses[-1]


def test_without_held_out_rows_the_last_state_stays(detector, rows, generator):
    history = fit_detector(detector, rows, None, SHORT, generator)
    assert not any("held_out_loss" in record for record in history)


def test_balanced_loss_weighs_classes_alike_and_rows_by_their_weight(detector, rows):
    weighted = LabelledRows(rows.x, rows.y, torch.rand(60))
    with torch.no_grad():
        losses = F.binary_cross_entropy_with_logits(detector(rows.x), rows.y, reduction="none")
    means = []
    for label in (0, 1):
        of_class = [(float(w), float(v)) for w, v, y in zip(weighted.weight, losses, rows.y, strict=True) if y == label]
        means.append(sum(w * v for w, v in of_class) / sum(w for w, _ in of_class))
    assert balanced_loss(detector, weighted) == pytest.approx(sum(means) / 2, rel=1e-5)


def test_rows_of_weight_zero_are_not_learnt(cvae, rows):
    weight = torch.ones(60)
    weight[:10] = 0
    changed = rows.x.clone()
    changed[:10] = 50
    unbalanced = SHORT.model_copy(update={"balanced": False, "max_steps": 5})
    states = []
    for x in (rows.x, changed):
        model = CVAE(3, cvae.config)
        model.load_state_dict(cvae.state_dict())
        fit_cvae(model, LabelledRows(x, rows.y, weight), unbalanced, torch.Generator().manual_seed(0))
        states.append(state(model))
    torch.testing.assert_close(*states)


def test_unbalanced_training_sees_the_trimmed_rows_only(detector, rows, generator, monkeypatch):
    seen = []
    monkeypatch.setattr(fitting, "batches", lambda label, *rest: seen.append(label) or torch.zeros(1, 4, dtype=int))
    once = SHORT.model_copy(update={"balanced": False, "max_steps": 1})
    fit_detector(detector, rows, None, once, generator)
    assert sorted(seen[0].tolist()) == [0] * 10 + [1] * 10


@pytest.mark.parametrize("held_out", [True, False])
def test_training_is_reproducible_and_leaves_global_state_alone(rows, detector, held_out):
    states = []
    before = torch.get_rng_state()
    start = {name: value.clone() for name, value in detector.state_dict().items()}
    for seed in (0, 0, 1):
        detector.load_state_dict(start)
        fit_detector(detector, rows, rows if held_out else None, SHORT, torch.Generator().manual_seed(seed))
        states.append(state(detector))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    assert torch.equal(torch.get_rng_state(), before)
