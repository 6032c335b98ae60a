"""Launches, bytes and operations are counted right."""

import jax
import jax.numpy as jnp
import pytest

from vaemusic_jax.training.targets.hlo import Count, Hlo
from vaemusic_jax.training.targets.operations import operations

# A step reads 8 numbers, runs a loop of three turns with a matmul and a copy of a row each, and sums over devices.
PROGRAM = """HloModule jit_steps, is_scheduled=true

%summed (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %add = f32[] add(%a, %b)
}

%fused_row (p0: f32[10,4], p1: s32[]) -> f32[4] {
  %p0 = f32[10,4]{1,0} parameter(0)
  %p1 = s32[] parameter(1)
  %zero = s32[] constant(0)
  %row = f32[1,4]{1,0} dynamic-slice(%p0, %p1, %zero), dynamic_slice_sizes={1,4}
  ROOT %flat = f32[4]{0} bitcast(%row)
}

%gemm_fusion (q0: f32[4,4], q1: f32[4,4]) -> f32[4,4] {
  %q0 = f32[4,4]{1,0} parameter(0)
  %q1 = f32[4,4]{1,0} parameter(1)
  ROOT %dot = f32[4,4]{1,0} dot(%q0, %q1), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}

%inner_body (t: (s32[], f32[10,4], f32[4,4])) -> (s32[], f32[10,4], f32[4,4]) {
  %t = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) parameter(0)
  %i = s32[] get-tuple-element(%t), index=0
  %table = f32[10,4]{1,0} get-tuple-element(%t), index=1
  %m = f32[4,4]{1,0} get-tuple-element(%t), index=2
  %r = f32[4]{0} fusion(%table, %i), kind=kLoop, calls=%fused_row
  %d = f32[4,4]{1,0} fusion(%m, %m), kind=kCustom, calls=%gemm_fusion
  ROOT %out = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) tuple(%i, %table, %d)
}

%inner_condition (t2: (s32[], f32[10,4], f32[4,4])) -> pred[] {
  %t2 = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) parameter(0)
  ROOT %yes = pred[] constant(true)
}

%step (s: (s32[], f32[10,4], f32[4,4])) -> (s32[], f32[10,4], f32[4,4]) {
  %s = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) parameter(0)
  %loop = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) while(%s), condition=%inner_condition, body=%inner_body, backend_config={"known_trip_count":{"n":"3"}}
  %m2 = f32[4,4]{1,0} get-tuple-element(%loop), index=2
  %everywhere = f32[4,4]{1,0} all-reduce(%m2), to_apply=%summed
  ROOT %o = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) tuple(%loop)
}

%more (s2: (s32[], f32[10,4], f32[4,4])) -> pred[] {
  %s2 = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) parameter(0)
  ROOT %go = pred[] constant(true)
}

ENTRY %main (x: (s32[], f32[10,4], f32[4,4])) -> (s32[], f32[10,4], f32[4,4]) {
  %x = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) parameter(0)
  ROOT %steps = (s32[], f32[10,4]{1,0}, f32[4,4]{1,0}) while(%x), condition=%more, body=%step
}
"""  # noqa: E501


def test_a_turn_of_the_loop_of_unknown_length_is_counted_with_the_loops_inside_it() -> None:
    row = 4 * (4 + 4 + 1)  # a row written, a row of ten read, and its number
    matmul = 4 * 3 * 16
    everywhere = 4 * 2 * 16
    expected = Count(launches=3 * 2 + 1, matmuls=3, turns=3, bytes=3 * (row + matmul) + everywhere, collectives=1)
    assert Hlo(PROGRAM).of_dynamic_loop() == expected


def test_the_length_of_a_loop_can_stand_in_its_condition() -> None:
    """As compilers for TPUs leave it."""
    written = ', backend_config={"known_trip_count":{"n":"3"}}'
    counter = "%n = s32[] constant(3)\n  %j = s32[] get-tuple-element(%t2), index=0\n"
    compared = counter + "  ROOT %yes = pred[] compare(%j, %n), direction=LT"
    program = PROGRAM.replace(written, "").replace("ROOT %yes = pred[] constant(true)", compared)
    assert program.count("compare") == 1
    # The comparison is a kernel of its own, which runs in every turn.
    assert Hlo(program).of_dynamic_loop().launches == 3 * (2 + 1) + 1


def test_arrays_that_stay_on_the_chip_are_not_moved() -> None:
    program = PROGRAM.replace("%r = f32[4]{0} fusion", "%r = f32[4]{0:T(128)S(1)} fusion")
    assert Hlo(PROGRAM).of_dynamic_loop().bytes - Hlo(program).of_dynamic_loop().bytes == 3 * 4 * 4


# Computations that the entry of a program may call: of one kernel, of two, and one that changes a row in its place.
CALLED = """HloModule calls

%one (a: f32[4]) -> f32[4] {
  %a = f32[4]{0} parameter(0)
  ROOT %less = f32[4]{0} negate(%a)
}

%two (b: f32[4]) -> f32[4] {
  %b = f32[4]{0} parameter(0)
  %e = f32[4]{0} exponential(%b)
  ROOT %l = f32[4]{0} negate(%e)
}

%row (p: f32[10,4], q: f32[1,4], i: s32[]) -> f32[10,4] {
  %p = f32[10,4]{1,0} parameter(0)
  %q = f32[1,4]{1,0} parameter(1)
  %i = s32[] parameter(2)
  %zero = s32[] constant(0)
  ROOT %u = f32[10,4]{1,0} dynamic-update-slice(%p, %q, %i, %zero)
}

ENTRY %main (t: f32[10,4], r: f32[1,4], n: s32[], v: f32[4], m: f32[4,4]) -> f32[4] {
  %t = f32[10,4]{1,0} parameter(0)
  %r = f32[1,4]{1,0} parameter(1)
  %n = s32[] parameter(2)
  %v = f32[4]{0} parameter(3)
  %m = f32[4,4]{1,0} parameter(4)
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("%c = f32[4]{0} conditional(%n, %v, %v), branch_computations={%one, %two}", Count(2, 0, 0, 64)),
        ("%c = f32[4]{0} conditional(%n, %v, %v), branch_computations={%two, %one}", Count(2, 0, 0, 64)),
        ("%c = f32[4]{0} call(%v), to_apply=%two", Count(2, 0, 0, 64)),
        ("%s = ((f32[4]{0}), f32[4]{0}, u32[]) async-start(%v), calls=%two", Count(2, 0, 0, 64)),
        ("%c = f32[10,4]{1,0} fusion(%t, %r, %n), kind=kLoop, calls=%row", Count(1, 0, 0, 16 + 16 + 4)),
        ('%g = f32[4,4]{1,0} custom-call(%m, %m), custom_call_target="__cublas$gemm"', Count(1, 1, 0, 3 * 64)),
        ("%h = bf16[4]{0} convert(%v)", Count(1, 0, 0, 8 + 16)),
        ("%h = pred[4]{0} compare(%v, %v), direction=LT", Count(1, 0, 0, 4 + 32)),
        ("%d = f32[4]{0} copy-done(%v)", Count()),
        ("%d = f32[4]{0} all-gather(%v), dimensions={0}", Count(1, 0, 0, 32, 1)),
    ],
)
def test_each_kind_of_instruction_is_counted_for_what_it_is(line: str, expected: Count) -> None:
    assert Hlo(f"{CALLED}  {line}\n  ROOT %o = f32[4]{{0}} bitcast(%v)\n}}\n").whole() == expected


def test_operations_of_a_choice_are_those_of_its_larger_branch() -> None:
    def chosen(x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.cond(x.sum() > 0, lambda: x @ w @ w, lambda: x @ w)

    shapes = (jax.ShapeDtypeStruct((2, 3), jnp.float32), jax.ShapeDtypeStruct((3, 3), jnp.float32))
    assert operations(chosen, *shapes) == 2 * 2 * 2 * 3 * 3


def test_a_program_without_such_a_loop_is_refused() -> None:
    known = PROGRAM.replace("body=%step", 'body=%step, backend_config={"known_trip_count":{"n":"2"}}')
    with pytest.raises(ValueError, match="0 loops have a length that is not known"):
        Hlo(known).of_dynamic_loop()
    assert Hlo(known).whole().launches == 2 * (3 * 2 + 1)


def test_operations_count_every_turn_of_a_loop_and_gradients_too() -> None:
    def looped(x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda h, _: (jnp.tanh(h @ w), None), x, length=5)[0].sum()

    shapes = (jax.ShapeDtypeStruct((2, 3), jnp.float32), jax.ShapeDtypeStruct((3, 3), jnp.float32))
    forward = 5 * 2 * 2 * 3 * 3
    assert operations(looped, *shapes) == forward
    assert operations(jax.grad(looped, argnums=(0, 1)), *shapes) == 3 * forward
