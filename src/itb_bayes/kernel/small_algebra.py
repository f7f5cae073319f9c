"""Vectors and matrices of three patient effects, as tuples that compilers keep in registers.

Level, drift and titration depth are always three here: a model without titration has zeros in the
third place, which changes no result and spares a second copy of every kernel. Vectors are
``(x0, x1, x2)``; a symmetric matrix is its lower triangle row by row,
``(s00, s10, s11, s20, s21, s22)``, and so is a lower triangular one; a basis is three columns.
"""

import math

import numpy as np
from numpy.typing import NDArray

from itb_bayes.kernel.compiled import entry, part

Array = NDArray[np.float64]
Vector = tuple[float, float, float]
Symmetric = tuple[float, float, float, float, float, float]
Basis = tuple[Vector, Vector, Vector]

MAX_SWEEP = 30
OFF_DIAGONAL = 1e-15  # of the trace; Jacobi converges quadratically, so nothing is left at all


@entry
def cholesky_psd(cov: Array) -> Array:
    """Return the lower Cholesky factor of a positive semi-definite matrix."""
    p = cov.shape[0]
    chol = np.zeros((p, p))
    for i in range(p):
        for j in range(i + 1):
            value = cov[i, j]
            for k in range(j):
                value -= chol[i, k] * chol[j, k]
            if i == j:
                chol[i, i] = math.sqrt(max(value, 0.0))
            elif chol[j, j] > 0.0:
                chol[i, j] = value / chol[j, j]
    return chol


@part
def row_vector(x: Array, i: int) -> Vector:
    """Return row ``i`` of an array of two or three columns."""
    return x[i, 0], x[i, 1], x[i, 2] if x.shape[1] == 3 else 0.0


@part
def as_lower(s: Array) -> Symmetric:
    """Return the lower triangle of a matrix of two or three rows."""
    if s.shape[0] == 3:
        return s[0, 0], s[1, 0], s[1, 1], s[2, 0], s[2, 1], s[2, 2]
    return s[0, 0], s[1, 0], s[1, 1], 0.0, 0.0, 0.0


@part
def dot(x: Vector, y: Vector) -> float:
    """Return x' y."""
    x0, x1, x2 = x
    y0, y1, y2 = y
    return x0 * y0 + x1 * y1 + x2 * y2


@part
def times(s: Symmetric, x: Vector) -> Vector:
    """Return S x of a symmetric S."""
    s00, s10, s11, s20, s21, s22 = s
    x0, x1, x2 = x
    return (
        s00 * x0 + s10 * x1 + s20 * x2,
        s10 * x0 + s11 * x1 + s21 * x2,
        s20 * x0 + s21 * x1 + s22 * x2,
    )


@part
def blend(s: Symmetric, alpha: float, t: Symmetric, beta: float) -> Symmetric:
    """Return alpha S + beta T."""
    s00, s10, s11, s20, s21, s22 = s
    t00, t10, t11, t20, t21, t22 = t
    return (
        alpha * s00 + beta * t00,
        alpha * s10 + beta * t10,
        alpha * s11 + beta * t11,
        alpha * s20 + beta * t20,
        alpha * s21 + beta * t21,
        alpha * s22 + beta * t22,
    )


@part
def symmetric_outer(x: Vector, y: Vector) -> Symmetric:
    """Return (x y' + y x') / 2."""
    x0, x1, x2 = x
    y0, y1, y2 = y
    return (
        x0 * y0,
        0.5 * (x1 * y0 + x0 * y1),
        x1 * y1,
        0.5 * (x2 * y0 + x0 * y2),
        0.5 * (x2 * y1 + x1 * y2),
        x2 * y2,
    )


@part
def combine(basis: Basis, x: Vector) -> Vector:
    """Return the columns of the basis weighted by x and added."""
    (u0, u1, u2), (v0, v1, v2), (w0, w1, w2) = basis
    x0, x1, x2 = x
    return u0 * x0 + v0 * x1 + w0 * x2, u1 * x0 + v1 * x1 + w1 * x2, u2 * x0 + v2 * x1 + w2 * x2


@part
def project(basis: Basis, x: Vector) -> Vector:
    """Return basis' x."""
    return dot(basis[0], x), dot(basis[1], x), dot(basis[2], x)


@part
def sandwich(basis: Basis, s: Symmetric) -> Symmetric:
    """Return basis S basis' of a symmetric S."""
    (u0, u1, u2), (v0, v1, v2), (w0, w1, w2) = basis
    s00, s10, s11, s20, s21, s22 = s
    a0, a1, a2 = combine(basis, (s00, s10, s20))
    b0, b1, b2 = combine(basis, (s10, s11, s21))
    c0, c1, c2 = combine(basis, (s20, s21, s22))
    return (
        a0 * u0 + b0 * v0 + c0 * w0,
        a1 * u0 + b1 * v0 + c1 * w0,
        a1 * u1 + b1 * v1 + c1 * w1,
        a2 * u0 + b2 * v0 + c2 * w0,
        a2 * u1 + b2 * v1 + c2 * w1,
        a2 * u2 + b2 * v2 + c2 * w2,
    )


@part
def lower_columns(chol: Symmetric) -> Basis:
    """Return the columns of a lower triangular matrix."""
    return (chol[0], chol[1], chol[3]), (0.0, chol[2], chol[4]), (0.0, 0.0, chol[5])


@part
def congruence(columns: Basis, s: Symmetric) -> Symmetric:
    """Return C' S C of a matrix C given by its columns and a symmetric S."""
    u, v, w = columns
    left, middle = times(s, u), times(s, v)
    return (
        dot(u, left),
        dot(v, left),
        dot(v, middle),
        dot(w, left),
        dot(w, middle),
        dot(w, times(s, w)),
    )


@part
def turn(x: Vector, y: Vector, cosine: float, sine: float) -> tuple[Vector, Vector]:
    """Return the two vectors rotated in the plane they span."""
    x0, x1, x2 = x
    y0, y1, y2 = y
    return (
        (cosine * x0 - sine * y0, cosine * x1 - sine * y1, cosine * x2 - sine * y2),
        (sine * x0 + cosine * y0, sine * x1 + cosine * y1, sine * x2 + cosine * y2),
    )


@part
def jacobi_angle(left: float, right: float, off: float) -> Vector:
    """Return cosine, sine and tangent of the turn that clears ``off`` between two diagonals."""
    if off == 0.0:
        return 1.0, 0.0, 0.0
    gap = right - left
    tangent = 2.0 * off / (abs(gap) + math.sqrt(gap * gap + 4.0 * off * off))
    if gap < 0.0:
        tangent = -tangent
    cosine = 1.0 / math.sqrt(tangent * tangent + 1.0)
    return cosine, tangent * cosine, tangent


@part
def symmetric_eigen(s: Symmetric) -> tuple[Vector, Basis]:
    """Return eigenvalues and eigenvectors of a symmetric matrix by Jacobi sweeps.

    Eigenvalues below zero by rounding are returned as zero.
    """
    s00, s10, s11, s20, s21, s22 = s
    q0, q1, q2 = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    for _ in range(MAX_SWEEP):
        if abs(s10) + abs(s20) + abs(s21) <= OFF_DIAGONAL * (abs(s00) + abs(s11) + abs(s22)):
            break
        cosine, sine, tangent = jacobi_angle(s00, s11, s10)
        s00, s11, s10 = s00 - tangent * s10, s11 + tangent * s10, 0.0
        s20, s21 = cosine * s20 - sine * s21, sine * s20 + cosine * s21
        q0, q1 = turn(q0, q1, cosine, sine)
        if s20 == 0.0 and s21 == 0.0:
            break
        cosine, sine, tangent = jacobi_angle(s00, s22, s20)
        s00, s22, s20 = s00 - tangent * s20, s22 + tangent * s20, 0.0
        s10, s21 = cosine * s10 - sine * s21, sine * s10 + cosine * s21
        q0, q2 = turn(q0, q2, cosine, sine)
        cosine, sine, tangent = jacobi_angle(s11, s22, s21)
        s11, s22, s21 = s11 - tangent * s21, s22 + tangent * s21, 0.0
        s10, s20 = cosine * s10 - sine * s20, sine * s10 + cosine * s20
        q1, q2 = turn(q1, q2, cosine, sine)
    return (max(s00, 0.0), max(s11, 0.0), max(s22, 0.0)), (q0, q1, q2)
