"""On which branch each row of a measured loop was measured."""

from __future__ import annotations

import numpy as np


def chosen(costs: np.ndarray) -> np.ndarray:
    """The branch (K,) of each row that leaves least in all, from what each row leaves on each branch (n, K), infinite
    where it cannot be on it: rows in their order are on branches in theirs.

    >>> chosen(np.array([[0.0, 0.0, 9.0, 9.0], [9.0, 4.0, 0.0, 0.0]])).tolist()
    [0, 0, 1, 1]
    """
    count, rows = costs.shape
    best = np.full((count, rows), np.inf)
    before = np.zeros((count, rows), int)
    best[0, 0] = costs[0, 0]
    for row in range(1, rows):
        least, place = np.inf, 0
        for branch in range(count):
            if best[branch, row - 1] < least:
                least, place = best[branch, row - 1], branch
            best[branch, row], before[branch, row] = least + costs[branch, row], place
    path = np.zeros(rows, int)
    path[-1] = int(np.argmin(best[:, -1]))
    for row in range(rows - 1, 0, -1):
        path[row - 1] = before[path[row], row]
    return path
