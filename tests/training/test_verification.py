from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor
from torchmetrics.functional.classification import binary_eer

from painlit.errors import PainlitError
from painlit.training.verification import Verification, face_pairs


def verify(embeddings: Tensor, identities: Tensor, batch: int = 7) -> dict[str, float]:
    metric = Verification()
    for start in range(0, len(embeddings), batch):
        metric.update(embeddings[start : start + batch], identities[start : start + batch])
    return metric.compute()


def faces(seed: int, images: int = 24, identities: int = 5, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """Embeddings with whole-number coordinates, among whose cosines are many ties."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(identities, (images,), generator=generator)
    centres = 2 * torch.randn(identities, 3, generator=generator)
    return (centres[labels] + spread * torch.randn(images, 3, generator=generator)).round(), labels


def brute_force(embeddings: Tensor, identities: Tensor) -> dict[str, float]:
    """Every pair, every threshold, in loops."""
    x = embeddings.double().numpy()
    same, different = [], []
    for i, j in combinations(range(len(x)), 2):
        lengths = np.linalg.norm(x[i]) * np.linalg.norm(x[j])
        cosine = round(x[i] @ x[j] / lengths, 9) if lengths else 0.0
        (same if identities[i] == identities[j] else different).append(cosine)
    wins = sum((s > d) + 0.5 * (s == d) for s in same for d in different)
    points = []
    for threshold in [np.inf, *sorted({*same, *different}, reverse=True)]:
        far = sum(d >= threshold for d in different) / len(different)
        points.append((far, sum(s >= threshold for s in same) / len(same)))
    for (far, tar), (next_far, next_tar) in pairwise(points):
        if next_far >= 1 - next_tar:
            step = (1 - tar - far) / ((next_far - far) + (next_tar - tar))
            eer = far + step * (next_far - far)
            break
    return {
        "auc": wins / (len(same) * len(different)),
        "eer": eer,
        "tar_at_far_1e-3": max(tar for far, tar in points if far <= 1e-3),
        "pairs": len(same) + len(different),
    }


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_against_loops(seed: int, spread: float):
    embeddings, identities = faces(seed, spread=spread)
    assert verify(embeddings, identities) == pytest.approx(brute_force(embeddings, identities), abs=1e-12)


def scored(seed: int) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Ours, and the pairs' truth and similarity, of enough images that FAR 1e-3 is 70 different pairs."""
    embeddings, identities = faces(seed, images=400, identities=10)
    same, different = face_pairs(embeddings, identities)
    truth = np.repeat([1, 0], [len(same), len(different)])
    return verify(embeddings, identities, 64), truth, np.concatenate([same, different])


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn_and_torchmetrics(seed: int):
    ours, truth, similarity = scored(seed)
    far, tar, _ = roc_curve(truth, similarity, drop_intermediate=False)
    assert ours["auc"] == pytest.approx(roc_auc_score(truth, similarity), abs=1e-12)
    assert ours["eer"] == pytest.approx(brentq(lambda x: 1 - x - interp1d(far, tar)(x), 0, 1), abs=1e-9)
    assert ours["tar_at_far_1e-3"] == tar[far <= 1e-3].max()
    # torchmetrics takes the threshold nearest to equality, and here ties make it jump by a few per mille
    theirs = binary_eer(torch.tensor((similarity + 1) / 2), torch.tensor(truth))
    assert ours["eer"] == pytest.approx(float(theirs), abs=5e-3)


@pytest.mark.parametrize(("of_a", "of_b"), [(50, 20), (27, 37)])
def test_far_of_exactly_one_in_a_thousand_is_allowed(of_a: int, of_b: int):
    """Of 1,000 different pairs one may be more alike than same ones; of 999 none."""
    x, y, z = torch.eye(3)
    embeddings = torch.stack([x] * of_a + [y] * of_b)
    embeddings[0], embeddings[-1] = 0.5 * x + 0.85 * z, 0.5 * y + 0.85 * z
    values = verify(embeddings, torch.tensor([0] * of_a + [1] * of_b))
    same = of_a * (of_a - 1) // 2 + of_b * (of_b - 1) // 2
    assert values["pairs"] == same + of_a * of_b
    expected = 1 if of_a * of_b == 1000 else 1 - (of_a - 1 + of_b - 1) / same
    assert values["tar_at_far_1e-3"] == pytest.approx(expected, abs=1e-12)


def test_perfect_embeddings():
    identities = torch.arange(30) % 3
    assert verify(torch.eye(3)[identities], identities) == {
        "auc": 1.0,
        "eer": 0.0,
        "tar_at_far_1e-3": 1.0,
        "pairs": 435,
    }


def test_opposite_embeddings():
    """Two images of one person look away from each other, and two persons alike."""
    embeddings = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    values = verify(embeddings, torch.tensor([0, 0, 1, 1]))
    assert values == pytest.approx({"auc": 0.25, "eer": 2 / 3, "tar_at_far_1e-3": 0.0, "pairs": 6})


def test_embeddings_in_one_point_are_worth_nothing():
    """Also where they differ by rounding."""
    embeddings = (torch.rand(40, 1) + 0.5) * torch.rand(1, 100)
    expected = {"auc": 0.5, "eer": 0.5, "tar_at_far_1e-3": 0.0, "pairs": 780}
    assert verify(torch.ones(40, 100), torch.arange(40) % 4) == expected
    assert verify(embeddings[:1].expand(40, 100), torch.arange(40) % 4) == expected
    assert verify(torch.zeros(40, 100), torch.arange(40) % 4) == expected


def test_random_embeddings_are_at_chance():
    generator = torch.Generator().manual_seed(0)
    values = verify(torch.randn(600, 100, generator=generator), torch.arange(600) % 20, 100)
    assert values["auc"] == pytest.approx(0.5, abs=0.02)
    assert values["eer"] == pytest.approx(0.5, abs=0.02)
    assert values["tar_at_far_1e-3"] < 0.01


def test_each_pair_of_different_images_once():
    embeddings = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    same, different = face_pairs(embeddings, torch.tensor([5, 5, 9, 9]))
    assert sorted(same.tolist()) == [0, 1]
    assert sorted(different.tolist()) == [-1, -1, 0, 0]


def test_several_processes_equal_one():
    embeddings, identities = faces(0)
    parts = slice(0, 11), slice(11, None)
    metrics: list[Verification] = []

    def gather(state: Tensor, group: Any = None) -> list[Tensor]:
        name = "embeddings" if state.ndim == 2 else "identities"
        return [torch.cat(getattr(metric, name)) for metric in metrics]

    for part in parts:
        metric = Verification(dist_sync_fn=gather, distributed_available_fn=lambda: True)
        for start in range(0, len(embeddings[part]), 4):
            metric.update(embeddings[part][start : start + 4], identities[part][start : start + 4])
        metrics.append(metric)
    expected = verify(embeddings, identities)
    assert metrics[0].compute() == expected
    assert metrics[1].compute() == expected
    assert verify(embeddings[parts[0]], identities[parts[0]]) != expected


def test_reset_forgets():
    metric = Verification()
    metric.update(*faces(0))
    metric.reset()
    metric.update(*faces(1))
    assert metric.compute() == verify(*faces(1))


def test_holds_no_graph_and_full_precision():
    metric = Verification()
    embeddings = torch.randn(4, 3, requires_grad=True)
    for batch in (2 * embeddings, embeddings.bfloat16()):
        metric.update(batch, torch.tensor([0, 0, 1, 1]))
    assert [x.requires_grad for x in metric.embeddings] == [False, False]
    assert [x.dtype for x in metric.embeddings] == [torch.float32, torch.float32]


@pytest.mark.parametrize("identities", [[], [4], [4, 4, 4], [1, 2, 3]])
@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric Verification was called before")
def test_pairs_of_both_kinds_are_needed(identities: list[int]):
    metric = Verification()
    if identities:
        metric.update(torch.randn(len(identities), 3), torch.tensor(identities))
    with pytest.raises(PainlitError, match="at least two identities and one with two images"):
        metric.compute()


def test_broken_embeddings_are_counted():
    embeddings, identities = faces(0)
    embeddings[3, 1], embeddings[5, 0] = float("nan"), float("inf")
    with pytest.raises(PainlitError, match="2 of 24 images"):
        verify(embeddings, identities)


def test_wrong_shapes():
    with pytest.raises(ValueError, match=r"\(4, 3\) and \(5,\)"):
        Verification().update(torch.ones(4, 3), torch.ones(5))
    with pytest.raises(ValueError, match="must be"):
        Verification().update(torch.ones(4), torch.ones(4))
