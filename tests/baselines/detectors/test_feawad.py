import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks

from swift_hydra_kedro.baselines.detectors import feawad
from swift_hydra_kedro.baselines.detectors.feawad import FEAWAD, FeatureEncoder, ScoreGenerator, margin_loss


@parametrize_with_checks([FEAWAD(n_steps=10, batch_size=32, device="cpu", random_state=0)])
def test_keeps_scikit_learns_rules(estimator, check):
    check(estimator)


def loss(score, error, label):
    return margin_loss(*(torch.tensor(values) for values in (score, error, label))).item()


def test_loss_in_closed_form():
    # Unlabelled: |-2| + 1; anomalies: (5 - 3) + (5 - 1), and nothing + (5 - 4)
    assert loss([-2.0, 3.0, 6.0], [1.0, 1.0, 4.0], [0.0, 1.0, 1.0]) == pytest.approx((3 + 6 + 1) / 3)


def test_unlabelled_rows_at_zero_and_anomalies_at_five_cost_nothing():
    assert loss([0.0, 5.0, 9.0], [0.0, 5.0, 7.0], [0.0, 1.0, 1.0]) == 0


def rows(n_features=3, n=40):
    return torch.randn(n, n_features, generator=torch.Generator().manual_seed(0))


def test_directions_have_length_one_and_with_the_error_they_give_the_residual():
    x, encoder = rows(), FeatureEncoder(3)
    code, direction, error = encoder(x)
    assert code.shape == (40, 64)
    torch.testing.assert_close(direction.norm(dim=1), torch.ones(40))
    torch.testing.assert_close(error * direction, x - encoder.rebuild(x))


def test_a_row_rebuilt_without_error_has_a_finite_description_and_gradient():
    encoder = FeatureEncoder(3)
    for parameter in encoder.parameters():
        torch.nn.init.zeros_(parameter)
    parts = encoder(torch.zeros(2, 3))
    sum(part.sum() for part in parts).backward()
    assert all(torch.isfinite(part).all() for part in parts)
    assert all(torch.isfinite(parameter.grad).all() for parameter in encoder.parameters())


def test_every_layer_of_the_scorer_gets_the_error():
    scorer, x, error = ScoreGenerator(67), rows(67), rows(1).abs()
    assert [(layer.in_features, layer.out_features) for layer in scorer.layers] == [(68, 256), (257, 32), (33, 1)]
    for last in range(3):
        for number, layer in enumerate(scorer.layers):
            torch.nn.init.constant_(layer.weight, 0.01)
            torch.nn.init.constant_(layer.weight[:, -1], 1.0 if number == last else 0.0)
        torch.nn.init.constant_(scorer.layers[last].weight[:, :-1], 0.0)
        for layer in scorer.layers:
            torch.nn.init.zeros_(layer.bias)
        score = scorer(x, error)
        torch.testing.assert_close(score / score[0], (error / error[0]).squeeze(-1))


def test_training_brings_scores_to_where_the_loss_wants_them():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 3)), (np.arange(400) < 20).astype(int)
    x[y == 1] += 6
    detector = FEAWAD(n_steps=300, device="cpu", random_state=0).fit(x, y)
    scores = detector.decision_function(x) + detector.offset_
    assert abs(np.median(scores[y == 0])) < 0.5
    assert np.median(scores[y == 1]) > 4.5


def test_the_autoencoder_is_trained_first_on_unlabelled_rows(monkeypatch):
    x, y = rows().numpy(), np.arange(40) < 4
    seen, phases = [], []
    rebuild = FeatureEncoder.rebuild

    def noted(losses, optimiser):
        phases.append((len(list(losses)), len(optimiser.param_groups[0]["params"])))

    monkeypatch.setattr(FeatureEncoder, "rebuild", lambda self, x: seen.append(x) or rebuild(self, x))
    monkeypatch.setattr(feawad, "minimise", noted)
    FEAWAD(n_steps=7, device="cpu", random_state=0).fit(x, y)
    encoder, scorer = 8, 6  # weights and biases
    assert phases == [(7, encoder), (7, encoder + scorer)]
    assert {tuple(row) for row in torch.cat(seen).tolist()} == {tuple(row) for row in x[~y].tolist()}
