"""The numbers of explicit Runge–Kutta methods, and of the polynomials that go through a step.

A polynomial of a step from m at t to m' at t + h is written as Hairer, Nørsett and Wanner do (Solving Ordinary
Differential Equations I, 2nd edition, Springer 1993, section II.6, and their programs dopri5.f and dop853.f):

    m(t + θh) = m + θ (F₀ + (1 − θ) (F₁ + θ (F₂ + (1 − θ) (F₃ + …)))),

with F₀ = m' − m, F₁ = h k_first − F₀, F₂ = 2 F₀ − h (k_first + k_end), and F₃₊ᵢ = h Σ_j d_ij k_j. So it has the slopes
of both ends, k_end being the slope at m' before any projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np


class Dense(NamedTuple):
    """What a polynomial through a step takes beside the step's own stages."""

    a: tuple[tuple[float, ...], ...]
    """Rows of the stages after that at the step's end, whose row is the tableau's b."""
    c: tuple[float, ...]
    d: tuple[tuple[float, ...], ...]
    """Weights of all stages in F₃, F₄, …"""


class Tableau(NamedTuple):
    """Butcher tableau of an explicit method: stage i sees m + h Σ_j a[i][j] k_j at the time t + c[i] h; m' = m + h
    Σ b_i k_i.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    order: int
    dense: Dense | None = None

    @property
    def nodes(self) -> tuple[float, ...]:
        """The distinct times within a step, as fractions of it, at which a drive is sampled."""
        return tuple(sorted(set(self.c)))

    @property
    def node_of_stage(self) -> tuple[int, ...]:
        """For each stage, the index of its time in `nodes`."""
        return tuple(self.nodes.index(c) for c in self.c)

    @property
    def interpolates(self) -> bool:
        """Whether the stages are those of the polynomial, too."""
        return self.dense is not None and len(self.b) == len(self.dense.d[0])

    def interpolating(self) -> Tableau:
        """The same method with the further stages of its polynomial, which its own end does not use."""
        if self.dense is None:
            raise ValueError("this method has no polynomial through its steps")
        if self.interpolates:
            return self
        a, c = (*self.a, self.b, *self.dense.a), (*self.c, 1.0, *self.dense.c)
        return self._replace(a=a, b=(*self.b, *[0.0] * (len(a) - len(self.b))), c=c)

    def _polynomial(self) -> Dense:
        if self.dense is None or not self.interpolates:
            raise ValueError("these stages are not those of a polynomial; take them from interpolating()")
        return self.dense

    @property
    def used_by_polynomial(self) -> tuple[int, ...]:
        """The stages that have a weight in the polynomial of an interpolating tableau."""
        dense = self._polynomial()
        end = len(self.b) - 1 - len(dense.a)
        rows = (self.b, *dense.d)
        return tuple(i for i in range(len(self.b)) if i in (0, end) or any(row[i] for row in rows))

    def weights(self, fractions: Sequence[float] | np.ndarray) -> np.ndarray:
        """Weights w (R, stages) of an interpolating tableau: m + h Σ_i w_ri k_i is the state at t + fractions_r h."""
        dense = self._polynomial()
        unit, b = np.eye(len(self.b)), np.asarray(self.b)
        end = unit[len(self.b) - 1 - len(dense.a)]
        parts = [b, unit[0] - b, 2 * b - unit[0] - end, *np.asarray(dense.d)]
        theta, total = np.asarray(fractions, dtype=float)[:, None], np.zeros((len(fractions), len(b)))
        for place, part in reversed(list(enumerate(parts))):
            total = (total + part) * (1 - theta if place % 2 else theta)
        return total


RK4: Final = Tableau(
    a=((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), b=(1 / 6, 1 / 3, 1 / 3, 1 / 6), c=(0.0, 0.5, 0.5, 1.0), order=4
)
HEUN: Final = Tableau(a=((), (1.0,)), b=(0.5, 0.5), c=(0.0, 1.0), order=2)
DORMAND_PRINCE_5: Final = Tableau(
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    ),
    b=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    c=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0),
    order=5,
    dense=Dense(
        a=(),
        c=(),
        d=(
            (
                -12715105075 / 11282082432,
                0.0,
                87487479700 / 32700410799,
                -10690763975 / 1880347072,
                701980252875 / 199316789632,
                -1453857185 / 822651844,
                69997945 / 29380423,
            ),
        ),
    ),
)
TSITOURAS_5: Final = Tableau(
    a=(
        (),
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
        (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
        (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
    ),
    b=(0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774),
    c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0),
    order=5,
    dense=Dense(
        a=(),
        c=(),
        d=(
            (
                -1.0530884977290216,
                0.1017,
                2.490627285651253,
                -16.548102889244902,
                47.37952196281928,
                -34.87065786149661,
                2.5,
            ),
        ),
    ),
)
"""C. Tsitouras, Computers & Mathematics with Applications 62, 770 (2011)."""
DORMAND_PRINCE_8: Final = Tableau(
    a=(
        (),
        (0.05260015195876773,),
        (0.0197250569845379, 0.0591751709536137),
        (0.02958758547680685, 0.0, 0.08876275643042054),
        (0.2413651341592667, 0.0, -0.8845494793282861, 0.924834003261792),
        (0.037037037037037035, 0.0, 0.0, 0.17082860872947386, 0.12546768756682242),
        (0.037109375, 0.0, 0.0, 0.17025221101954405, 0.06021653898045596, -0.017578125),
        (
            0.03709200011850479,
            0.0,
            0.0,
            0.17038392571223998,
            0.10726203044637328,
            -0.015319437748624402,
            0.008273789163814023,
        ),
        (
            0.6241109587160757,
            0.0,
            0.0,
            -3.3608926294469414,
            -0.868219346841726,
            27.59209969944671,
            20.154067550477894,
            -43.48988418106996,
        ),
        (
            0.47766253643826434,
            0.0,
            0.0,
            -2.4881146199716677,
            -0.590290826836843,
            21.230051448181193,
            15.279233632882423,
            -33.28821096898486,
            -0.020331201708508627,
        ),
        (
            -0.9371424300859873,
            0.0,
            0.0,
            5.186372428844064,
            1.0914373489967295,
            -8.149787010746927,
            -18.52006565999696,
            22.739487099350505,
            2.4936055526796523,
            -3.0467644718982196,
        ),
        (
            2.273310147516538,
            0.0,
            0.0,
            -10.53449546673725,
            -2.0008720582248625,
            -17.9589318631188,
            27.94888452941996,
            -2.8589982771350235,
            -8.87285693353063,
            12.360567175794303,
            0.6433927460157636,
        ),
    ),
    b=(
        0.054293734116568765,
        0.0,
        0.0,
        0.0,
        0.0,
        4.450312892752409,
        1.8915178993145003,
        -5.801203960010585,
        0.3111643669578199,
        -0.1521609496625161,
        0.20136540080403034,
        0.04471061572777259,
    ),
    c=(
        0.0,
        0.05260015195876773,
        0.0789002279381516,
        0.1183503419072274,
        0.2816496580927726,
        0.3333333333333333,
        0.25,
        0.3076923076923077,
        0.6512820512820513,
        0.6,
        0.8571428571428571,
        1.0,
    ),
    order=8,
    dense=Dense(
        a=(
            (
                0.056167502283047954,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.25350021021662483,
                -0.2462390374708025,
                -0.12419142326381637,
                0.15329179827876568,
                0.00820105229563469,
                0.007567897660545699,
                -0.008298,
            ),
            (
                0.03183464816350214,
                0.0,
                0.0,
                0.0,
                0.0,
                0.028300909672366776,
                0.053541988307438566,
                -0.05492374857139099,
                0.0,
                0.0,
                -0.00010834732869724932,
                0.0003825710908356584,
                -0.00034046500868740456,
                0.1413124436746325,
            ),
            (
                -0.42889630158379194,
                0.0,
                0.0,
                0.0,
                0.0,
                -4.697621415361164,
                7.683421196062599,
                4.06898981839711,
                0.3567271874552811,
                0.0,
                0.0,
                0.0,
                -0.0013990241651590145,
                2.9475147891527724,
                -9.15095847217987,
            ),
        ),
        c=(0.1, 0.2, 0.7777777777777778),
        d=(
            (
                -8.428938276109013,
                0.0,
                0.0,
                0.0,
                0.0,
                0.5667149535193777,
                -3.0689499459498917,
                2.38466765651207,
                2.117034582445028,
                -0.871391583777973,
                2.2404374302607883,
                0.6315787787694688,
                -0.08899033645133331,
                18.148505520854727,
                -9.194632392478356,
                -4.436036387594894,
            ),
            (
                10.427508642579134,
                0.0,
                0.0,
                0.0,
                0.0,
                242.28349177525817,
                165.20045171727028,
                -374.5467547226902,
                -22.113666853125306,
                7.733432668472264,
                -30.674084731089398,
                -9.332130526430229,
                15.697238121770845,
                -31.139403219565178,
                -9.35292435884448,
                35.81684148639408,
            ),
            (
                19.985053242002433,
                0.0,
                0.0,
                0.0,
                0.0,
                -387.0373087493518,
                -189.17813819516758,
                527.8081592054236,
                -11.57390253995963,
                6.8812326946963,
                -1.0006050966910838,
                0.7777137798053443,
                -2.778205752353508,
                -60.19669523126412,
                84.32040550667716,
                11.99229113618279,
            ),
            (
                -25.69393346270375,
                0.0,
                0.0,
                0.0,
                0.0,
                -154.18974869023643,
                -231.5293791760455,
                357.6391179106141,
                93.40532418362432,
                -37.45832313645163,
                104.0996495089623,
                29.8402934266605,
                -43.53345659001114,
                96.32455395918828,
                -39.17726167561544,
                -149.72683625798564,
            ),
        ),
    ),
)
"""Dormand and Prince's 8(5,3), dop853.f of Hairer, Nørsett and Wanner; its polynomial is of seventh order."""
