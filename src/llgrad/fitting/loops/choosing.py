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
    best, came = [np.inf] * count, []
    best[0] = float(costs[0, 0])
    for row in costs.T[1:].tolist():
        least, place, now, before = np.inf, 0, [], []
        for branch, cost in enumerate(row):
            if best[branch] < least:
                least, place = best[branch], branch
            now.append(least + cost)
            before.append(place)
        best = now
        came.append(before)
    path = np.zeros(rows, int)
    path[-1] = int(np.argmin(best))
    for row in range(rows - 1, 0, -1):
        path[row - 1] = came[row - 1][path[row]]
    return path
