"""Exponentials and the normal distribution in C++, within what is said of them."""

from ctypes import CDLL, c_int, c_void_p
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from painlit.native import library

pytestmark = pytest.mark.usefixtures("instructions")
SOURCE = """
#include "{header}"
using namespace painlit;
template <class Functions>
void at(int count, const float* x, float* exp, float* normal) {{
  for (int i = 0; i < count; i++) {{
    exp[i] = x[i] > 0 ? 0 : Functions::exp(all(x[i]))[i % LANES];
    normal[i] = Functions::normal(all(x[i]))[i % LANES];
  }}
}}
extern "C" void exact(int count, const float* x, float* exp, float* normal) {{ at<Exact>(count, x, exp, normal); }}
extern "C" void rough(int count, const float* x, float* exp, float* normal) {{ at<Rough>(count, x, exp, normal); }}
"""


@pytest.fixture(scope="module")
def functions(instructions, tmp_path_factory) -> CDLL:
    path = tmp_path_factory.mktemp("functions") / "functions.cpp"
    path.write_text(SOURCE.format(header=Path(library.__file__).with_name("vectors.h")))
    return library.compiled(path)


@pytest.mark.parametrize(("which", "of_exp", "of_gelu"), [("exact", 4e-7, 1.2e-6), ("rough", 8e-5, 5e-4)])
def test_functions_are_off_by_what_is_said(functions, which, of_exp, of_gelu):
    x = np.concatenate([np.linspace(-80, 0, 20_001), np.linspace(-8, 8, 20_001)]).astype(np.float32)
    exp, normal = np.empty_like(x), np.empty_like(x)
    pointers = [c_void_p(array.ctypes.data) for array in (x, exp, normal)]
    getattr(functions, which)(c_int(len(x)), *pointers)
    below, exact = x <= 0, x.astype(np.float64)
    assert abs(exp[below] / np.exp(exact[below]) - 1).max() < of_exp
    assert abs(exact * (normal - norm.cdf(exact)))[exact > -20].max() < of_gelu


@pytest.mark.parametrize("which", ["exact", "rough"])
def test_far_numbers_and_none(functions, which):
    x = np.array([-1e30, -np.inf, np.nan], np.float32)
    exp, normal = np.full(3, 7, np.float32), np.empty(3, np.float32)
    getattr(functions, which)(c_int(3), *(c_void_p(array.ctypes.data) for array in (x, exp, normal)))
    assert (exp[:2] < 1e-37).all()
    assert np.isnan(exp[2])
