// Vectors of eight numbers: functions of them, and sums of products in which they meet numbers or each other.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#define INLINE __attribute__((always_inline))

namespace painlit {

constexpr int LANES = 8;
constexpr int ROWS = 4, COLUMNS = 3;  // of a tile of a product, whose sums fill 12 of 16 registers
typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef int32_t Bits __attribute__((vector_size(4 * LANES)));

INLINE inline Vector all(float x) { return Vector{x, x, x, x, x, x, x, x}; }
INLINE inline Vector all(Vector x) { return x; }
INLINE inline Vector larger(Vector x, Vector y) { return x > y ? x : y; }
INLINE inline Vector smaller(Vector x, Vector y) { return x < y ? x : y; }

#ifdef __clang__
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, Bits{__VA_ARGS__})
#endif

// The total of each of four vectors, twice: in the lower half and in the upper one.
INLINE inline Vector totals(Vector a, Vector b, Vector c, Vector d) {
  Vector one = SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  Vector two = SHUFFLE(c, d, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
  Vector halves = SHUFFLE(one, two, 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(one, two, 2, 3, 10, 11, 6, 7, 14, 15);
  return halves + SHUFFLE(halves, halves, 4, 5, 6, 7, 0, 1, 2, 3);
}
INLINE inline float total(Vector x) { return totals(x, x, x, x)[0]; }

// exp(x) for x of 0 and less: 2^n and the Taylor polynomial of what is left, off by 2e-7 of it at most.
INLINE inline Vector exponential(Vector x) {
  const float rounding = 12582912.f;  // 1.5 · 2^23: adding it rounds to whole numbers, which are its lowest bits
  x = larger(all(-87.f), x);  // in this order what is no number stays so
  Vector n = x * 1.44269504f + rounding;
  Bits exponent = (Bits)n << 23;
  Vector rest = x - (n - rounding) * 0.693147181f;
  Vector power = all(1.f / 5040);
  for (float factor : {1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2, 1.f, 1.f}) power = power * rest + factor;
  return (Vector)((Bits)power + exponent);
}

// Φ(x), the normal distribution: Φ(x) - 1/2 is x P(x²) / Q(x²) up to 5.3 (fitted for the least largest error of x Φ(x),
// 3e-8; rounding makes it 1.1e-6) and constant beyond.
INLINE inline Vector normal(Vector x) {
  x = larger(smaller(x, all(5.3f)), all(-5.3f));
  Vector square = x * x, over = all(1.18100941e-10f), under = all(6.47689349e-05f);
  for (float factor : {-2.30770422e-08f, 3.37236762e-06f, 1.75552916e-04f, 4.53286295e-03f, 3.62604637e-02f,
                       3.98941809e-01f})
    over = over * square + factor;
  for (float factor : {1.85436145e-03f, 2.92952841e-02f, 2.57553050e-01f, 1.f}) under = under * square + factor;
  return 0.5f + x * over / under;
}

INLINE inline Vector gelu(Vector x) { return x * normal(x); }

INLINE inline void softmax(Vector* x, int length) {
  Vector most = x[0], sum = {};
  for (int i = 1; i < length; i++) most = larger(most, x[i]);
  for (int i = 0; i < length; i++) sum += x[i] = exponential(x[i] - most);
  sum = 1.f / sum;
  for (int i = 0; i < length; i++) x[i] *= sum;
}

// What a product reads: row r at k is at[r · stride + k · step].
struct Rows {
  const Vector* at;
  long stride, step = 1;
};

// finish(R × C sums over k of rows(r, k) right(c, k)), kept in registers. `right` gives a number or a vector.
template <int R, int C, class Right, class Finish>
INLINE inline void tile(int length, Rows rows, Right right, Finish finish) {
  Vector sums[R][C] = {};
  const Vector* left = rows.at;
  const long stride = rows.stride, thrice = 3 * stride;
  for (int k = 0; k < length; k++, left += rows.step) {
    asm("" : "+r"(left));  // one address that advances, instead of R of them
    Vector values[R == 1 ? 1 : C];
#pragma GCC unroll 16
    for (int c = 0; R > 1 && c < C; c++) values[c] = all(right(c, k));
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      Vector value = r < 3 ? left[r * stride] : left[thrice];
#pragma GCC unroll 16
      for (int c = 0; c < C; c++) sums[r][c] += value * (R > 1 ? values[c] : all(right(c, k)));
    }
  }
  finish(sums);
}

// The same for R rows and all columns, whose number in `right` is c + j with c a multiple of COLUMNS unless j is 0.
template <int R, class Right, class Finish>
INLINE inline void strip(int columns, int length, Rows rows, Right right, Finish finish) {
  int c = 0;
  auto as_wide_as = [&](auto width) INLINE {
    constexpr int W = decltype(width)::value;
    for (; c + W <= columns; c += W)
      tile<R, W>(
          length, rows, [&](int j, int k) INLINE { return right(c, j, k); },
          [&](auto& sums) INLINE { finish(c, sums); });
  };
  if (R == 1) as_wide_as(std::integral_constant<int, ROWS * COLUMNS>{});
  as_wide_as(std::integral_constant<int, COLUMNS>{});
  as_wide_as(std::integral_constant<int, 1>{});
}

// finish(row, column, tile of sums over k of rows(r, k) right(c, 0, k)) for all rows and columns, see `each`.
template <class Right, class Finish>
__attribute__((noinline)) void product(int count, int columns, int length, Rows rows, Right right, Finish finish) {
  int row = 0;
  auto moved = [&](int c, auto& sums) INLINE { finish(row, c, sums); };
  auto below = [&] { return Rows{rows.at + row * rows.stride, rows.stride, rows.step}; };
  for (; row + ROWS <= count; row += ROWS) strip<ROWS>(columns, length, below(), right, moved);
  for (; row < count; row++) strip<1>(columns, length, below(), right, moved);
}

// done(row, column, sum) for each sum of a product.
template <class Done>
struct Each {
  Done done;
  template <int R, int C>
  INLINE void operator()(int row, int column, Vector (&sums)[R][C]) const {
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 16
      for (int c = 0; c < C; c++) done(row + r, column + c, sums[r][c]);
  }
};
template <class Done>
INLINE inline auto each(Done done) {
  return Each<Done>{done};
}

}  // namespace painlit
