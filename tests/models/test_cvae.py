import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.utils.parametrize import is_parametrized

from swift_hydra_kedro.config import CVAEConfig
from swift_hydra_kedro.models.cvae import CVAE

SMALL = CVAEConfig(latent_size=3, hidden_size=16)


@pytest.fixture
def cvae():
    return CVAE(5, SMALL)


@pytest.fixture
def rows():
    return torch.randn(8, 5), (torch.arange(8) % 2).float()


@torch.no_grad()
def norm_bound(decoder):
    return max(float(torch.linalg.matrix_norm(layer.weight, 2)) for layer in decoder if hasattr(layer, "weight"))


def test_shapes(cvae, rows):
    mu, log_var = cvae.encode(*rows)
    assert mu.shape == log_var.shape == (8, 3)
    assert cvae.decode(mu, rows[1]).shape == (8, 5)


@pytest.mark.parametrize("weight", [0.2, 0.55])
def test_loss_weighs_squared_error_and_closed_form_divergence(rows, weight):
    cvae = CVAE(5, SMALL.model_copy(update={"kl_weight": weight}))
    x, y = rows
    noise = torch.randn(8, 3)
    mu, log_var = cvae.encode(x, y)
    sigma = log_var.exp().sqrt()
    reconstruction = ((cvae.decode(mu + sigma * noise, y) - x) ** 2).sum(1)
    divergence = kl_divergence(Normal(mu, sigma), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(cvae.loss(x, y, noise), (1 - weight) * reconstruction + weight * divergence)


def test_loss_s_gradient_equals_finite_differences(cvae, rows):
    x, y = (t.double() for t in rows)
    noise = torch.randn(8, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: cvae.double().loss(x, y, noise), x.requires_grad_())


def test_label_changes_encoding_and_decoding(cvae, rows):
    x, y = rows
    assert not torch.allclose(cvae.encode(x, y)[0], cvae.encode(x, 1 - y)[0])
    assert not torch.allclose(cvae.decode(x[:, :3], y), cvae.decode(x[:, :3], 1 - y))


def test_variance_stays_finite_for_absurd_rows(cvae):
    _, log_var = cvae.encode(torch.full((1, 5), 1e6), torch.ones(1))
    assert torch.isfinite(log_var.exp()).all()
    assert (log_var.exp() > 0).all()


def test_spectral_norm_makes_the_decoder_one_lipschitz():
    cvae = CVAE(5, SMALL.model_copy(update={"spectral_norm": True}))
    with torch.no_grad():
        for layer in cvae.decoder:
            if is_parametrized(layer):
                layer.parametrizations.weight.original.mul_(30)  # as training might
        cvae.train()
        for _ in range(50):  # each pass is one power iteration
            cvae.decode(torch.zeros(1, 3), torch.ones(1))
        cvae.eval()
        a, b = 3 * torch.randn(2, 2000, 3)
        label = torch.ones(2000)
        moved = (cvae.decode(a, label) - cvae.decode(b, label)).norm(dim=1)
    assert (moved <= (a - b).norm(dim=1) * (1 + 1e-4)).all()
    assert norm_bound(cvae.decoder) == pytest.approx(1, abs=1e-3)


def test_without_spectral_norm_layers_may_be_steeper(cvae):
    with torch.no_grad():
        cvae.decoder[0].weight.mul_(30)
    assert norm_bound(cvae.decoder) > 2


def test_spectral_norm_leaves_the_encoder_alone():
    cvae = CVAE(5, SMALL.model_copy(update={"spectral_norm": True}))
    assert not any(is_parametrized(layer) for layer in cvae.encoder)


def test_parameter_count_is_near_table_3():
    cvae = CVAE(21, CVAEConfig(hidden_size=420, latent_size=64))
    assert sum(p.numel() for p in cvae.parameters()) == pytest.approx(458_907, rel=0.02)
