"""The weight of a query in a mean, so that no component counts as more than a few queries.

Queries of one component vary together. Where each query counts once, a handful of large components
hold most of the variance of a mean, and the mean says little about all others. A query therefore
counts as min(1, most / size): `most` is `evaluate.component_weight`, `size` is how many queries of
the set at hand its component has. No query is left out. The weights follow from the components
alone, never from a score, so the sign-flip test and the random halves stay valid.

Source: Potter 1990 (trimming the weights of surveys: a little bias for much less variance).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Values = npt.NDArray[np.float64]
_Components = npt.NDArray[np.str_]


def query_weights(components: _Components, component_weight: int) -> _Values:
    """Return the weight of each query, above 0 to 1, shape (queries,).

    `components` (queries,) names the component of each query of the set at hand. A component
    counts as at most `component_weight` queries. Where each query is a component of its own, all
    weights are 1.

    >>> query_weights(np.array(["a", "a", "a", "a", "b"]), component_weight=2).tolist()
    [0.5, 0.5, 0.5, 0.5, 1.0]
    """
    _, component_numbers, sizes = np.unique(components, return_inverse=True, return_counts=True)
    weight_of_component = np.minimum(1.0, component_weight / sizes)
    return np.asarray(weight_of_component[component_numbers], dtype=np.float64)


def weighted_mean(values: _Values, components: _Components, component_weight: int) -> float:
    """Return the mean of per-query `values`, in which no component counts as too many queries.

    `values` and `components` have shape (queries,), with at least one query. With a weight of 1
    for each query it is exactly the plain mean.

    >>> values = np.array([1.0, 1.0, 1.0, 0.0])
    >>> weighted_mean(values, np.array(["a", "a", "b", "c"]), component_weight=10)
    0.75
    >>> weighted_mean(values, np.array(["a", "a", "a", "b"]), component_weight=1)
    0.5
    """
    weights = query_weights(components, component_weight)
    return float((values * weights).sum() / weights.sum())
