"""The precision of the networks: how matrices are multiplied, and in what type GRUs keep their states.

A network does not say in what precision it computes. `Program.apply`, the one door to networks, opens `computing` with
the precision of the program, and every matmul of a network is one of `Arithmetic.matmul`, `Arithmetic.einsum` or
`product`. What lies outside networks (losses, softmax, KL divergence, regulariser, optimisers, metrics) is float32.

| precision  | operands of matmuls       | sums    | states and projected inputs of GRUs | all else, weights too |
|------------|---------------------------|---------|-------------------------------------|-----------------------|
| `float32`  | float32, 23 mantissa bits | float32 | float32                             | float32               |
| `tf32`     | 10 mantissa bits          | float32 | float32                             | float32               |
| `bfloat16` | bfloat16, 7 mantissa bits | float32 | bfloat16                            | float32               |

`float32` asks for JAX's highest precision, since its default is TF32 on NVIDIA GPUs since Ampere and bfloat16 on TPUs.
`tf32` is the hardware's on NVIDIA GPUs. A TPU has none: there it is JAX's `high`, three bfloat16 products for each one,
which keeps 16 bits and more. A CPU has neither TF32 nor, as a rule, bfloat16: operands are rounded and then multiplied
in float32, which gives the numbers that the precision stands for, and not its speed.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from vaemusic_jax.config.models import PrecisionName

MANTISSA_BITS: dict[PrecisionName, int] = {"float32": 23, "tf32": 10, "bfloat16": 7}
EXPONENT_BITS = 8  # of all three


class Arithmetic(NamedTuple):
    """How networks compute on one kind of device; it is hashable and static under `jit`."""

    precision: PrecisionName = "float32"
    platform: str = "cpu"  # as in `models.program.Program`

    @property
    def state_type(self) -> Any:
        """The type in which GRUs keep states and projected inputs."""
        return jnp.dtype("bfloat16" if self.precision == "bfloat16" else "float32")

    @property
    def algorithm(self) -> Any:
        """What JAX is told about the precision of a matmul whose operands are those of `operand`."""
        if self.precision == "bfloat16":
            return lax.Precision.DEFAULT  # the operands are bfloat16 and need no more
        if self.precision == "tf32" and self.platform == "gpu":
            return lax.DotAlgorithmPreset.TF32_TF32_F32
        if self.precision == "tf32" and self.platform == "tpu":
            return lax.Precision.HIGH
        return lax.Precision.HIGHEST

    def rounded(self, x: Array) -> Array:
        """Returns float32 numbers rounded to the mantissa of this precision where hardware does not, on a CPU.

        XLA may leave out a conversion to bfloat16 and back, but not this.
        """
        if self.platform != "cpu" or self.precision == "float32" or x.dtype != jnp.float32:
            return x
        return lax.reduce_precision(x, EXPONENT_BITS, MANTISSA_BITS[self.precision])

    def operand(self, x: Array) -> Array:
        """Returns an operand as it is multiplied."""
        return self.rounded(x).astype(self.state_type)

    def kept(self, x: Array) -> Array:
        """Returns states or projected inputs of a GRU in the type in which they are kept."""
        return self.operand(x) if self.precision == "bfloat16" else x

    def matmul(self, a: Array, b: Array) -> Array:
        """Returns the float32 product of two arrays as `jnp.matmul` does. It is not to be differentiated by JAX."""
        return jnp.matmul(
            self.operand(a), self.operand(b), precision=self.algorithm, preferred_element_type=jnp.float32
        )

    def einsum(self, formula: str, a: Array, b: Array) -> Array:
        """Returns the float32 product of two arrays as `jnp.einsum` does. It is not to be differentiated by JAX."""
        return jnp.einsum(
            formula,
            self.operand(a),
            self.operand(b),
            precision=self.algorithm,
            preferred_element_type=jnp.float32,
        )


FLOAT32_ON_CPU = Arithmetic()
_current: ContextVar[Arithmetic] = ContextVar("arithmetic", default=FLOAT32_ON_CPU)


@contextlib.contextmanager
def computing(arithmetic: Arithmetic) -> Iterator[None]:
    """Lets networks that are called (or traced) in the `with` block compute in this way."""
    token = _current.set(arithmetic)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Arithmetic:
    """Returns the arithmetic of the network that is being called; outside of `computing`, float32 on CPU.

    A custom gradient is traced after the network has returned, so that it has to be told what this was.
    """
    return _current.get()


def kept(x: Array) -> Array:
    """Returns states or projected inputs of a GRU in the type in which the current network keeps them."""
    return current().kept(x)


def product(x_NxD: Array, w_DxF: Array) -> Array:
    """Returns the matrix product (N, F) in float32, with a gradient of the current precision."""
    return _product(current(), x_NxD, w_DxF)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _product(arithmetic: Arithmetic, x: Array, w: Array) -> Array:
    return arithmetic.matmul(x, w)


def _product_fwd(arithmetic: Arithmetic, x: Array, w: Array) -> tuple[Array, tuple[Array, Array]]:
    return arithmetic.matmul(x, w), (x, w)


def _product_bwd(arithmetic: Arithmetic, residual: tuple[Array, Array], grad: Array) -> tuple[Array, Array]:
    x, w = residual
    return arithmetic.matmul(grad, w.T).astype(x.dtype), arithmetic.matmul(grad.T, x).T


_product.defvjp(_product_fwd, _product_bwd)
