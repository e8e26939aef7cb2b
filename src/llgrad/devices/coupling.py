"""How the oscillators of an array feel each other."""

from __future__ import annotations

import abc

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from llgrad.core.record import Record, is_concrete, quantity
from llgrad.core.vector import Vec3


class Coupling(Record):
    """A field on each oscillator of an array that depends on the magnetisation of all.

    >>> import llgrad as lg
    >>> class MeanField(lg.devices.Coupling):
    ...     strength: float = lg.quantity("T")
    ...     def field(self, m):
    ...         return lg.Vec3(self.strength * m.x.mean() + 0 * m.x, 0 * m.y, 0 * m.z)
    >>> pair = lg.OscillatorArray(lg.presets.kubota2013(), count=2, coupling=MeanField(1e-3))
    >>> pair.count
    2
    """

    @abc.abstractmethod
    def field(self, m: Vec3) -> Vec3:
        """Coupling field [T], (N,) components, at the array's magnetisation `m`, (N,) components."""


class FieldCoupling(Coupling):
    """A field along x, linear in the others' m_x: B_i = x̂ Σ_j W_ij m_{j,x}.

    `weights` (N, N) in tesla per unit of magnetisation, W_ij from oscillator j to oscillator i. For the benchmark of
    arXiv:2312.01121 it is A_cp times a matrix of chosen spectral radius, A_cp = 1 Oe, with W_ii = 0.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> coupling = lg.FieldCoupling(np.array([[0.0, 1e-4], [1e-4, 0.0]]))  # 1 Oe on each other
    >>> m = lg.Vec3(np.array([0.6, -1.0]), np.zeros(2), np.array([0.8, 0.0]))
    >>> [round(1e4 * float(x), 2) for x in coupling.field(m).x]  # Oe
    [-1.0, 0.6]
    """

    weights: Float[np.ndarray | jax.Array, "N N"] = quantity(
        "T", about="W_ij, from oscillator j to oscillator i, per unit of m_x"
    )

    def __check_init__(self) -> None:
        if not is_concrete(self.weights):
            return
        shape = np.shape(self.weights)
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(f"weights has the shape {shape}, expected a square (N, N) matrix in tesla")

    def field(self, m: Vec3) -> Vec3:
        return Vec3(jnp.matmul(self.weights, m.x), jnp.zeros_like(m.x), jnp.zeros_like(m.x))


class LinearCoupling(Coupling):
    """A field linear in the others' magnetisation, B_i = Σ_j W_ij m_j, whatever W is made of.

    With this `field` it is native: engines take W, which is made once for a run.
    """

    @abc.abstractmethod
    def tensors(self) -> Float[np.ndarray | jax.Array, "N N 3 3"]:
        """W_ij (N, N, 3, 3) [T] per unit of magnetisation, from oscillator j to oscillator i."""

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """The number of oscillators N."""

    def field(self, m: Vec3) -> Vec3:
        return Vec3(*jnp.einsum("ijab,bj->ai", self.tensors(), jnp.stack([m.x, m.y, m.z])))


class TensorCoupling(LinearCoupling):
    """A field linear in the others' magnetisation: B_i = Σ_j W_ij m_j, with a 3×3 matrix W_ij for each pair.

    `weights` (N, N, 3, 3) in tesla per unit of magnetisation, from oscillator j to oscillator i; for stray fields see
    `dipolar_tensors`.

    >>> import llgrad as lg
    >>> import numpy as np
    >>> weights = np.zeros((2, 2, 3, 3))
    >>> weights[0, 1] = weights[1, 0] = 1e-3 * np.diag([-1.0, -1.0, 2.0])  # T: two dipoles one above the other
    >>> coupling = lg.devices.TensorCoupling(weights)
    >>> m = lg.Vec3(np.zeros(2), np.zeros(2), np.ones(2))
    >>> [round(1e3 * float(z), 2) for z in coupling.field(m).z]  # mT
    [2.0, 2.0]
    """

    weights: Float[np.ndarray | jax.Array, "N N 3 3"] = quantity(
        "T", about="W_ij, 3×3, from oscillator j to oscillator i, per unit of m"
    )

    def __check_init__(self) -> None:
        if not is_concrete(self.weights):
            return
        shape = np.shape(self.weights)
        if len(shape) != 4 or shape[0] != shape[1] or shape[2:] != (3, 3):
            raise ValueError(f"weights has the shape {shape}, expected (N, N, 3, 3), a matrix for each pair, in tesla")

    @property
    def count(self) -> int:
        return np.shape(self.weights)[0]

    def tensors(self) -> Float[np.ndarray | jax.Array, "N N 3 3"]:
        return self.weights
