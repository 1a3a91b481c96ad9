"""Each loss equals the library's; chunks and a second pass change none; a wrong one is refused."""

import re

import numpy as np
import pytest

from stages.finetune import losses
from stages.finetune.batches import TokenCollator
from stages.lib.core.errors import UserError
from stages.lib.core.model_files import find_base_model
from stages.lib.retrieval.encoder import load_model
from tests.finetune.cases import BASE, COLUMNS, LENGTH, PARAMS, ROWS, changed, unit

FOLDER = find_base_model(BASE)


def other_model():
    """Return a model that is not the guide: the base with its weights shaken."""
    import torch

    model = load_model(FOLDER)
    torch.manual_seed(5)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.1 * value.std() * torch.randn_like(value) if value.numel() > 1 else 0.0)
    return model


def features(tokens, rows, columns=COLUMNS):
    batch = TokenCollator(tokens, columns)([{"row": row} for row in rows])
    return [
        {part: batch[f"{name}_{part}"] for part in ("input_ids", "attention_mask")}
        for name in columns
        if f"{name}_input_ids" in batch
    ]


def value(loss, given):
    import torch

    with torch.no_grad():
        return float(loss([dict(column) for column in given], None))


@pytest.mark.parametrize(
    ("loss", "shape", "chosen"),
    [
        ("auto", "ranking", "MultipleNegativesRanking"),
        ("auto", "scores", "CoSENT"),
        ("CoSENT", "scores", "CoSENT"),
        ("CachedGIST", "ranking", "CachedGIST"),
    ],
)
def test_the_shape_of_the_data_or_the_parameter_chooses(loss, shape, chosen):
    assert losses.select_loss(changed(loss=loss), shape) == chosen


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        ("CoSENT", "ranking"),
        *((name, "scores") for name in ("MultipleNegativesRanking", "GIST", "CachedGIST")),
    ],
)
def test_a_loss_that_does_not_fit_the_data_is_refused(loss, shape):
    with pytest.raises(
        UserError,
        match=rf"finetune.loss is {loss}, but pair.shape is {shape}(.|\n)*loss to auto",
    ):
        losses.select_loss(changed(loss=loss), shape)


@pytest.mark.parametrize(
    ("loss", "shape", "fitting"),
    [
        ("GIST", "scores", "here: CoSENT)"),
        ("CoSENT", "ranking", "here: MultipleNegativesRanking, GIST or their cached variants)"),
    ],
)
def test_a_loss_that_fits_is_named(loss, shape, fitting):
    with pytest.raises(UserError, match=re.escape(fitting)):
        losses.select_loss(changed(loss=loss), shape)


@pytest.mark.slow
def test_more_dimensions_than_the_model_has_are_refused():
    with pytest.raises(
        UserError, match=r"matryoshka_dims names 385, but embeddings of the model have 384"
    ):
        losses.build("GIST", load_model(FOLDER), FOLDER, params=changed(matryoshka_dims=[64, 385]))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [range(12), [5, 2], [0, 1, 3], [5]])
def test_chunks_change_no_loss(tokens, rows, monkeypatch):
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    monkeypatch.setattr(
        "stages.finetune.chunked_loss.CHUNK", 5
    )  # several chunks, the last of them short
    model = load_model(FOLDER).eval()
    whole = MultipleNegativesRankingLoss(model, scale=20.0)
    chunked = losses.build("MultipleNegativesRanking", model, FOLDER, params=PARAMS)
    given = features(tokens, rows)
    assert value(chunked, given) == pytest.approx(value(whole, given), abs=1e-5)


@pytest.mark.slow
def test_the_loss_equals_a_softmax_over_present_texts(tokens):
    model = load_model(FOLDER).eval()
    rows = [2, 5, 7]
    loss = value(
        losses.build("MultipleNegativesRanking", model, FOLDER, params=PARAMS),
        features(tokens, rows),
    )
    model.max_seq_length = LENGTH
    anchors = model.encode([ROWS[row][0] for row in rows], normalize_embeddings=True)
    texts = [
        ROWS[row][column] for column in (1, 2, 3) for row in rows if ROWS[row][column] is not None
    ]
    assert len(texts) == 6  # three positives, two first negatives, one second
    scores = 20.0 * anchors @ model.encode(texts, normalize_embeddings=True).T
    expected = np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[range(3), range(3)])
    assert loss == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MultipleNegativesRanking", "GIST"])
def test_two_passes_give_the_same_loss_and_gradients(tokens, name, monkeypatch):
    import torch

    monkeypatch.setattr("stages.finetune.chunked_loss.CHUNK", 5)
    results = {}
    for variant in (name, f"Cached{name}"):
        model = other_model().train()
        loss = losses.build(variant, model, FOLDER, params=changed(matryoshka_dims=[64]))
        torch.manual_seed(3)
        result = loss(features(tokens, range(12)), None)
        (result / 2).backward()  # the slope of what is made of the loss reaches the chunks
        slopes = {
            key: weight.grad for key, weight in model.named_parameters() if weight.grad is not None
        }
        results[variant] = (float(result.detach()), slopes, torch.get_rng_state())
    (plain, slopes, rng_before), (cached, others, after) = results.values()
    assert cached == pytest.approx(plain, rel=1e-6)
    assert slopes.keys() == others.keys() and len(slopes) > 50
    assert max(float((slopes[key] - others[key]).abs().max()) for key in slopes) < 1e-4
    assert max(float(slope.abs().max()) for slope in slopes.values()) > 0.01
    assert torch.equal(rng_before, after), "what follows draws as if there had been one pass"


@pytest.mark.slow
def test_gist_is_the_librarys_with_the_base_as_guide(tokens):
    from sentence_transformers.sentence_transformer.losses import GISTEmbedLoss

    model, guide = other_model().eval(), load_model(FOLDER).eval()
    given = features(tokens, [0, 1, 3, 4, 6], COLUMNS[:3])
    expected_value = value(GISTEmbedLoss(model, guide, temperature=0.05), given)
    assert value(losses.build("GIST", model, FOLDER, params=PARAMS), given) == pytest.approx(
        expected_value, abs=1e-5
    )
    unguided = losses.build("MultipleNegativesRanking", model, FOLDER, params=PARAMS)
    assert abs(expected_value - value(unguided, given)) > 0.01


@pytest.mark.slow
def test_gist_ignores_negatives_that_the_guide_finds_nearer(tokens):
    import torch

    # Anchor 0 has itself as a negative: the guide finds it nearer than the positive.
    poisoned = tokens.copy()
    for part in ("input_ids", "attention_mask"):
        poisoned.at[0, f"negative_1_{part}"] = tokens[f"anchor_{part}"].iloc[0]
    model = load_model(FOLDER).eval()
    loss = losses.build("GIST", model, FOLDER, params=PARAMS)
    harmed = features(poisoned, [0], COLUMNS[:3])
    assert value(loss, harmed) == pytest.approx(
        value(loss, features(tokens, [0], COLUMNS[:2])), abs=1e-6
    )
    plain = losses.build("MultipleNegativesRanking", model, FOLDER, params=PARAMS)
    assert value(plain, harmed) > 1.0
    with torch.no_grad():  # and the guide learns nothing
        assert not any("guide" in name for name, _ in loss.named_parameters())


@pytest.mark.slow
@pytest.mark.parametrize("dims", [[64], [128, 32], [384, 64]])
def test_matryoshka_sums_the_loss_over_cut_vectors(tokens, dims):
    from sentence_transformers.sentence_transformer.losses import (
        MatryoshkaLoss,
        MultipleNegativesRankingLoss,
    )

    model = other_model().eval()
    given = features(tokens, [0, 1, 3, 4, 6])
    params = changed(matryoshka_dims=dims)
    summed = value(losses.build("MultipleNegativesRanking", model, FOLDER, params=params), given)
    whole = sorted({*dims, 384}, reverse=True)
    library = MatryoshkaLoss(
        model, MultipleNegativesRankingLoss(model, scale=20.0), matryoshka_dims=whole
    )
    assert summed == pytest.approx(value(library, given), abs=1e-5)


def test_a_cut_vector_is_made_a_unit_vector_again():
    import torch

    columns = [torch.tensor([[3.0, 4.0, 12.0], [1.0, 0.0, 0.0]])]
    seen = []

    def inner(cut, guided, labels):
        seen.append(cut[0].numpy())
        return torch.tensor(float(len(seen)))

    assert float(losses.matryoshka(inner, [3, 2])(columns, [], None)) == 3.0
    np.testing.assert_allclose(seen[0], unit(columns[0].numpy()), rtol=1e-6)
    np.testing.assert_allclose(seen[1], [[0.6, 0.8], [1.0, 0.0]], rtol=1e-6)
