import torch

from swift_hydra_kedro.synthesis.states import draw_states


def test_without_a_step_from_the_mean_encoding_a_sample_is_the_anomaly_itself(rows, pretrained, generator):
    states = draw_states(rows.anomalies, pretrained.cvae, 50, 0.9, True, generator)
    with torch.no_grad():
        mu, _ = pretrained.cvae.encode(rows.anomalies, torch.ones(20))
        decoded = pretrained.cvae.decode(mu, torch.ones(20))
    samples = decoded.unsqueeze(0) + states.residual.unsqueeze(1)  # (50, 20, 4)
    nearest = (samples - rows.anomalies).abs().amax(-1).min(1).values
    torch.testing.assert_close(nearest, torch.zeros(50), rtol=0, atol=1e-5)


def test_the_residual_can_be_left_out(rows, pretrained, generator):
    states = draw_states(rows.anomalies, pretrained.cvae, 7, 0.9, False, generator)
    assert torch.equal(states.residual, torch.zeros(7, 4))
