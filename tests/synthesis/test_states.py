import torch

from swift_hydra_kedro.config import SynthesisConfig
from swift_hydra_kedro.synthesis.states import draw_states

CONFIG = SynthesisConfig(support_quantile=0.9)


def test_without_a_step_from_the_mean_encoding_a_sample_is_the_anomaly_itself(rows, pretrained, generator):
    states = draw_states(rows.anomalies, 1, pretrained.cvae, 50, CONFIG, generator)
    with torch.no_grad():
        mu, _ = pretrained.cvae.encode(rows.anomalies, torch.ones(20))
        decoded = pretrained.cvae.decode(mu, torch.ones(20))
    samples = decoded.unsqueeze(0) + states.residual.unsqueeze(1)  # (50, 20, 4)
    nearest = (samples - rows.anomalies).abs().amax(-1).min(1).values
    torch.testing.assert_close(nearest, torch.zeros(50), rtol=0, atol=1e-5)


def test_the_residual_can_be_left_out(rows, pretrained, generator):
    config = CONFIG.model_copy(update={"keep_residual": False})
    states = draw_states(rows.anomalies, 1, pretrained.cvae, 7, config, generator)
    assert torch.equal(states.residual, torch.zeros(7, 4))


def test_normal_rows_are_encoded_as_such_and_the_policy_is_told(rows, pretrained, generator):
    states = draw_states(rows.normals, 0, pretrained.cvae, 2000, CONFIG, generator)
    with torch.no_grad():
        mu, _ = pretrained.cvae.encode(rows.normals, torch.zeros(120))
    torch.testing.assert_close(states.z.mean(0), mu.mean(0), rtol=0, atol=0.1)
    assert {tuple(row) for row in states.rows.tolist()} <= {tuple(row) for row in rows.normals.tolist()}
    assert states.observed.shape == (2000, 4)
    assert (states.observed[:, -1] == 0).all()
    torch.testing.assert_close(states.observed[:, :-1], states.supported.standardise(states.z))
