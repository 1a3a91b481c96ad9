"""A map of vectors: near ones lie together. The same vectors give the same positions, to the bit.

The method is that of UMAP (McInnes, Healy and Melville 2018): a graph of nearest neighbours is laid
out by forces. Neighbours attract each other, and random points push each other away. What differs
serves that the positions are the same on every processor and number of threads:

- Neighbours are found among vectors that are rounded to whole numbers. Single precision holds
  their products exactly, so no order of sums changes them.
- All forces of a round are computed before a point moves. They hold only sums, products and
  quotients, which every processor rounds alike. So the curve of the forces is 1 / (1 + d^2).
- Positions are rounded after each round.
- The start is the plane of the first principal components. So when few vectors change, the others
  stay about where they are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stages.lib.retrieval.search import Vectors, top_k

Positions = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NEIGHBOURS = 15
ROUNDS = 200

# A unit vector is rounded to thousandths. Products are below 2^24, up to which single precision
# holds every whole number.
_SCALE = 1000.0

# The standard deviation of the start along its first axis.
_START_WIDTH = 10.0

# A point moves by this share of its force in the first round, and by less in each later one.
_STEP = 0.2

# Each point is pushed by so many random points in a round, and so strongly.
_REPELLING_POINTS = 15
_REPULSION = 10.0

# A force is at most this long along an axis, so that two points in one place do not fly apart.
_MAX_FORCE = 4.0

# Decimals of weights and positions.
_DECIMALS = 5

# Halvings that find the width of a point's neighbourhood.
_HALVINGS = 40

# Constant, so that the same vectors have the same map whatever run.seed is.
_SEED = 20260101


class Neighbours(NamedTuple):
    """The nearest other points of each point, nearest first.

    Attributes:
        positions: shape (n, k), the numbers of the points.
        cosines: shape (n, k).
    """

    positions: Integers
    cosines: Vectors


class _Edges(NamedTuple):
    """Pairs of neighbours, each once, with weights between 0 and 1. All have shape (edges,)."""

    left: Integers
    right: Integers
    weights: Positions


def nearest_neighbours(vectors: Vectors, count: int = NEIGHBOURS) -> Neighbours:
    """Return the `count` nearest other points of each of `vectors` (n, d), of unit length.

    With fewer than `count` other points, all of them are returned.

    >>> vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    >>> nearest_neighbours(vectors, 1).positions.tolist()
    [[1], [2], [1]]
    """
    whole = np.rint(vectors * np.float32(_SCALE)).astype(np.float32)

    def score(start: int, end: int, out: Vectors) -> None:
        np.matmul(whole[start:end], whole.T, out=out)
        out /= np.float32(_SCALE * _SCALE)

        # No point is a neighbour of itself.
        out[np.arange(end - start), np.arange(start, end)] = -2.0

    other_points = len(vectors) - 1
    hits = top_k(score, len(vectors), len(vectors), min(count, other_points))
    return Neighbours(hits.positions, hits.scores)


def lay_out(vectors: Vectors, neighbours: Neighbours) -> Positions:
    """Return a position in the plane for each of `vectors`, shape (n, 2).

    Args:
        vectors: shape (n, d), of unit length.
        neighbours: those that `nearest_neighbours` finds among them.
    """
    count = len(vectors)
    positions = _start(vectors)
    if neighbours.positions.shape[1] < 2:
        return positions

    edges = _edges(neighbours)
    random = np.random.default_rng(_SEED)
    for round_number in range(ROUNDS):
        step = _STEP * (1.0 - round_number / ROUNDS)
        forces = _attraction(positions, edges)

        # Every point is pushed by one other in each order, which is that of all points shuffled.
        for _ in range(_REPELLING_POINTS):
            forces += _repulsion(positions, random.permutation(count))

        moved = positions + step * np.clip(forces, -_MAX_FORCE, _MAX_FORCE)
        positions = moved.round(_DECIMALS)

    return positions


def turned_towards(positions: Positions, others: Positions) -> Positions:
    """Return `positions` turned, and mirrored where that is nearer, so that they lie near `others`.

    Distances stay as they are. Both have shape (n, 2), and row i of both is one document. The turn
    is the one with the least sum of squared distances (Schoenemann 1966).

    >>> turned_towards(np.array([[0.0, 2.0], [0.0, -2.0]]), np.array([[5.0, 0.0], [1.0, 0.0]]))
    array([[5., 0.],
           [1., 0.]])
    """
    centre = _centre(others)
    own = positions - _centre(positions)
    target = others - centre

    # The sums are exact, whatever the order of their parts.
    products = [math.fsum(own[:, left] * target[:, right]) for left in (0, 1) for right in (0, 1)]
    same, forward, backward, both = products
    turn = (same + both, forward - backward)
    mirror = (same - both, forward + backward)
    if math.hypot(*mirror) > math.hypot(*turn):
        cosine, sine = _unit(*mirror)
        axes = np.array([[cosine, sine], [sine, -cosine]])
    else:
        cosine, sine = _unit(*turn)
        axes = np.array([[cosine, sine], [-sine, cosine]])
    turned: Positions = own[:, :1] * axes[0] + own[:, 1:] * axes[1] + centre
    return turned.round(_DECIMALS)


def _centre(positions: Positions) -> Positions:
    """Return the mean of positions, shape (2,); the origin where there are none."""
    return np.array([math.fsum(column) / max(len(column), 1) for column in positions.T])


def _unit(x: float, y: float) -> tuple[float, float]:
    """Return a direction as a vector of length 1; the first axis where there is no direction."""
    length = math.sqrt(x * x + y * y)
    return (x / length, y / length) if length > 0.0 else (1.0, 0.0)


def kept_neighbours(positions: Positions, neighbours: Neighbours, count: int = 30) -> float:
    """Return the mean share of a point's neighbours that are among its `count` nearest on the map.

    Of the neighbours, the ten nearest are asked for. It is NaN without neighbours.
    """
    from scipy.spatial import KDTree

    true_neighbours = neighbours.positions[:, :10]
    if not true_neighbours.size:
        return float("nan")

    # The point itself is the nearest, or one that lies at the same place.
    among = min(count + 1, len(positions))
    _, nearest = KDTree(positions).query(positions, among)
    on_map = np.asarray(nearest).reshape(len(positions), among)
    is_kept = (true_neighbours[:, :, None] == on_map[:, None, :]).any(axis=2)
    return float(is_kept.mean())


def principal_components(vectors: Vectors, count: int = 2) -> Positions:
    """Return the first principal components of `vectors`, shape (n, count) (Pearson 1901)."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, eigenvectors = np.linalg.eigh(centred.T @ centred)

    # The eigenvalues ascend, so the last axes are the first components.
    axes = eigenvectors[:, ::-1][:, :count]

    # An axis and its opposite are equally right. The largest part of each becomes positive.
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(axes.shape[1])])
    return np.asarray(centred @ (axes * signs))


def _start(vectors: Vectors) -> Positions:
    """Return the first two principal components, widened, shape (n, 2)."""
    plane = principal_components(vectors)
    if plane.shape[1] < 2:
        plane = np.hstack([plane, np.zeros((len(plane), 2 - plane.shape[1]))])

    width = float(plane[:, 0].std()) if len(plane) else 0.0
    if width > 0.0:
        plane = plane * (_START_WIDTH / width)
    return plane.round(_DECIMALS)


def _edges(neighbours: Neighbours) -> _Edges:
    """Return the graph of neighbours with the weights of UMAP.

    The weight falls with the distance, by a width of the point's own: the weights of a point's
    neighbours have the sum log2(k). An edge that either end has is an edge of both.
    """
    from scipy import sparse

    count, degree = neighbours.positions.shape
    cosines = neighbours.cosines.astype(np.float64)
    distances = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * cosines))
    beyond_nearest = distances - distances[:, :1]

    # Halve the interval that holds the width, or double its end while there is none.
    lower = np.zeros((count, 1))
    upper = np.full((count, 1), np.inf)
    width = np.ones((count, 1))
    for _ in range(_HALVINGS):
        sums = np.exp(-beyond_nearest / width).sum(axis=1, keepdims=True)
        is_too_wide = sums > np.log2(degree)
        upper = np.where(is_too_wide, width, upper)
        lower = np.where(is_too_wide, lower, width)
        middle = (lower + np.where(np.isinf(upper), 0.0, upper)) / 2.0
        width = np.where(np.isinf(upper), width * 2.0, middle)

    # The probability that at least one of both ends has the edge.
    one_way = np.exp(-beyond_nearest / width).round(_DECIMALS)
    starts = np.repeat(np.arange(count), degree)
    matrix = sparse.csr_matrix(
        (one_way.ravel(), (starts, neighbours.positions.ravel())), shape=(count, count)
    )
    other_way = matrix.T.tocsr()
    union = sparse.triu(matrix + other_way - matrix.multiply(other_way), k=1).tocoo()
    return _Edges(
        left=union.row.astype(np.int64),
        right=union.col.astype(np.int64),
        weights=union.data.round(_DECIMALS),
    )


def _attraction(positions: Positions, edges: _Edges) -> Positions:
    """Return the sum of the forces that neighbours have on each point, shape (n, 2)."""
    differences = positions[edges.left] - positions[edges.right]
    squares = (differences * differences).sum(axis=1)
    pulls = (2.0 * edges.weights / (1.0 + squares))[:, None] * differences

    # The sums are made in the order of the edges.
    count = len(positions)
    forces = np.empty_like(positions)
    for axis in (0, 1):
        to_left = np.bincount(edges.right, pulls[:, axis], count)
        to_right = np.bincount(edges.left, pulls[:, axis], count)
        forces[:, axis] = to_left - to_right
    return forces


def _repulsion(positions: Positions, others: Integers) -> Positions:
    """Return the force that one of `others` has on each point, shape (n, 2)."""
    differences = positions - positions[others]
    squares = (differences * differences).sum(axis=1)
    strengths = 1.0 / ((0.001 + squares) * (1.0 + squares))
    pushes = np.clip(strengths[:, None] * differences, -_MAX_FORCE, _MAX_FORCE)
    forces: Positions = 2.0 * _REPULSION * pushes
    return forces
