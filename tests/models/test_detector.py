import pytest
import torch
from torch.func import functional_call

from swift_hydra_kedro.config import AdditiveConfig, MambaConfig
from swift_hydra_kedro.models.detector import MambaDetector, logit_of_mean
from swift_hydra_kedro.models.encoding import ALL_VIEWS, NORMAL, SCALED, PiecewiseLinearEncoding

TOKENS = ("record", "feature")
PATHS = (None, AdditiveConfig())
TRAIN = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))


def detector(tokens="record", stack=(), bins=3, additive=None):
    config = MambaConfig(d_model=8, d_state=4, depth=2, tokens=tokens, bins=bins, additive=additive)
    model = MambaDetector(PiecewiseLinearEncoding.fit(TRAIN.numpy(), bins), config, stack)
    if additive is not None:  # its weights are 0 to begin with
        torch.nn.init.normal_(model.net.additive.weight)
    return model


def count(d_model):
    encoding = PiecewiseLinearEncoding.fit(torch.randn(50, 21).numpy(), 0)
    model = MambaDetector(encoding, MambaConfig(d_model=d_model, bins=0, depth=2))
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("tokens", TOKENS)
def test_one_logit_for_each_row(tokens):
    assert detector(tokens)(TRAIN).shape == (60,)
    assert detector(tokens, (3,))(TRAIN.expand(3, -1, -1)).shape == (3, 60)


@pytest.mark.parametrize("tokens", TOKENS)
def test_rows_do_not_see_each_other(tokens):
    model = detector(tokens)
    torch.testing.assert_close(model(TRAIN)[7], model(TRAIN[7:8])[0])


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("additive", PATHS)
def test_stacked_detectors_equal_a_loop_in_outputs_and_gradients(tokens, additive):
    stacked, single = (detector(tokens, stack, additive=additive).double() for stack in ((3,), ()))
    x = TRAIN[:15].double().reshape(3, 5, 4)
    slices = [{name: value[m] for name, value in stacked.named_parameters()} for m in range(3)]
    alone = torch.stack([functional_call(single, slices[m], (x[m],)) for m in range(3)])
    together = stacked(x)
    torch.testing.assert_close(together, alone)
    cotangent = torch.randn_like(together)
    trained = [p for name, p in stacked.named_parameters() if tokens == "feature" or "A_log" not in name]
    pairs = zip(*(torch.autograd.grad(y, trained, cotangent) for y in (together, alone)), strict=True)
    for gradient, expected in pairs:
        torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("additive", PATHS)
def test_gradient_in_the_row_equals_finite_differences(tokens, additive):
    model = detector(tokens, additive=additive).double()
    assert torch.autograd.gradcheck(model, torch.randn(3, 4, dtype=torch.float64, requires_grad=True))


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("stack", [(), (2,)])
@pytest.mark.parametrize("additive", PATHS)
def test_masked_features_no_longer_matter(tokens, stack, additive):
    model = detector(tokens, stack, additive=additive)
    mask = (model.encoding.feature_of_output != 2).float().expand(*stack, -1)
    model.net.keep_only(mask)
    x = TRAIN.expand(*stack, -1, -1)
    changed = x.clone()
    changed[..., 2] += 1
    torch.testing.assert_close(model(changed), model(x))
    changed[..., 1] += 1
    assert not torch.allclose(model(changed), model(x))


def test_feature_tokens_are_a_sum_over_the_feature_s_own_inputs():
    model = detector("feature")
    encoded = model.encoding(TRAIN[:2])
    tokens = model.net.tokens(encoded)
    for feature in range(4):
        own = model.encoding.feature_of_output == feature
        expected = model.net.tokens.bias[feature] + encoded[:, own] @ model.net.tokens.weight[own]
        torch.testing.assert_close(tokens[:, feature], expected)


@torch.no_grad()
def test_the_probability_is_the_weighted_mean_of_the_paths():
    model = detector(stack=(2,), additive=AdditiveConfig(share=0.3)).double()
    deep, additive = (torch.sigmoid(path) for path in model.paths(TRAIN.double()))
    torch.testing.assert_close(torch.sigmoid(model(TRAIN.double())), 0.7 * deep + 0.3 * additive)


@torch.no_grad()
def test_the_additive_path_adds_up_one_curve_per_feature():
    model = detector(additive=AdditiveConfig()).double()
    x = TRAIN.double()
    changed = x.clone()
    changed[:, 1] += 0.5
    other = x.clone()
    other[:, [0, 2, 3]] = x[0, [0, 2, 3]]
    other_changed = other.clone()
    other_changed[:, 1] += 0.5
    rise, other_rise = (model.paths(b)[1] - model.paths(a)[1] for a, b in ((x, changed), (other, other_changed)))
    torch.testing.assert_close(rise, other_rise)
    assert rise.abs().max() > 0.1


def test_the_logit_of_a_mean_stays_finite_and_keeps_its_gradient_where_probabilities_round_to_0_or_1():
    logits = torch.tensor([-200.0, 200.0], requires_grad=True)
    mean = logit_of_mean(logits, logits, torch.tensor(0.3))
    torch.testing.assert_close(mean, logits)
    torch.testing.assert_close(torch.autograd.grad(mean.sum(), logits)[0], torch.ones(2))


def test_single_detector_s_parameter_count_is_near_table_3():
    assert count(136) == pytest.approx(274_542, rel=0.05)


def test_expert_s_parameter_count_is_near_table_3():
    assert count(41) == pytest.approx(33_021, rel=0.01)


@pytest.mark.parametrize("tokens", ["record", "feature"])
@pytest.mark.parametrize("views", [(SCALED,), (SCALED, NORMAL), ALL_VIEWS])
@pytest.mark.parametrize("additive", PATHS)
def test_a_part_that_was_taken_over_computes_the_same_within_the_stack(tokens, views, additive):
    whole = detector(tokens, (4,), additive=additive).double()
    others = whole(TRAIN.double())[[1, 3]]
    part = MambaDetector(whole.encoding.part(views), whole.config, (2,)).double()
    for weight in whole.net.input_weights:
        weight[[0, 2]] = 0
    whole.take_over(part, torch.tensor([0, 2]))
    together = whole(TRAIN.double())
    torch.testing.assert_close(together[[0, 2]], part(TRAIN.double()))
    torch.testing.assert_close(together[[1, 3]], others)


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("additive", PATHS)
def test_a_part_may_see_the_first_features_alone(tokens, additive):
    whole = detector(tokens, (4,), additive=additive).double()
    part = whole.part(torch.tensor([0, 2]), n_features=3).double()
    assert part(TRAIN[:, :3].double()).shape == (2, 60)
    seen = whole.encoding.feature_of_output < 3
    for weight, own in zip(whole.net.input_weights, part.net.input_weights, strict=True):
        assert torch.equal(weight[[0, 2]][:, seen], own)
