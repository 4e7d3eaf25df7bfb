"""Explanations beside those of the library shap: the same values where all subsets are computed, else nearly the same.

It is told of subsets instead of instances: a row has a 1 for each part that is kept, and its background is none.
"""

import warnings

import numpy as np
import pytest
from scipy.stats import spearmanr

from serving.contract.encoders import Picture
from serving.explanation import Question, explain
from serving.explanation.parts import parts_of
from tests.serving.explanation.models import pictures, png, runs, table, texts

with warnings.catch_warnings(action="ignore"):  # of its plots, which nothing here draws
    import numba

    numba.config.DISABLE_JIT = True  # to compile takes longer than all that is computed here
    import shap

RNG = np.random.default_rng(11)
TEXT = "the film was very good and the plot not awful i was"


def network(inputs):
    """A network of two layers with random weights: no part counts for itself alone."""
    rng = np.random.default_rng(inputs)
    first, second = rng.normal(size=(inputs, 16)) / inputs**0.5, rng.normal(size=(16, 1))

    def answer(features):
        return 1 / (1 + np.exp(-np.tanh(features @ first) @ second))

    return answer


def of_columns(count):
    return (
        table(count),
        network(count),
        {f"x{place}": float(number) for place, number in enumerate(RNG.normal(size=count))},
    )


def of_words(count):
    def answer(ids):
        return network(20)(np.stack([(ids == number).sum(axis=1) for number in range(20)], axis=1) * 1.0)

    return texts(length=24), answer, {"text": " ".join(TEXT.split()[:count])}


def of_patches(side):
    image = {"image": png(RNG.integers(0, 256, (30, 30, 3)))}
    return pictures(Picture(side, side)), lambda pixels: network(side * side * 3)(pixels / 255), image


def by_shap(contract, answer, instance, explainer):
    parts, score = parts_of(contract, instance, 512), runs(contract, answer)
    count = len(parts.varied)
    bits = 1 << np.arange(count)

    def of_rows(rows):
        return score([parts.with_only(int(subset)) for subset in rows @ bits])["scores"][:, 0].astype(np.float64)

    return explainer(of_rows, np.zeros((1, count), int))(np.ones((1, count), int)).values[0]


def contributions(contract, answer, instance, budget):
    found = explain(contract, instance, runs(contract, answer), Question(budget=budget))
    return found, np.array([part.contribution for part in found.parts])


@pytest.mark.parametrize("model", [of_columns(7), of_words(9), of_patches(3)], ids=["columns", "words", "patches"])
def test_over_all_subsets_the_values_are_those_of_shap(model):
    found, ours = contributions(*model, budget=512)

    assert found.exact
    assert ours == pytest.approx(by_shap(*model, shap.explainers.ExactExplainer), abs=1e-6)


@pytest.mark.parametrize("model", [of_columns(12), of_words(11)], ids=["columns", "words"])
def test_of_permutations_the_parts_rank_as_by_shap(model):
    found, ours = contributions(*model, budget=400)

    assert not found.exact
    exact = by_shap(*model, shap.explainers.ExactExplainer)
    assert spearmanr(ours, exact).statistic >= 0.95
    assert np.abs(ours - exact).max() <= 4 * max(part.error for part in found.parts)
    assert spearmanr(ours, by_shap(*model, shap.explainers.PermutationExplainer)).statistic >= 0.95
