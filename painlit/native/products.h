// Sums of products in which vectors meet numbers or each other.
#pragma once

#include <type_traits>

#include "precision.h"

namespace painlit {

// Of a tile of a product, whose sums fill 20 of 32 registers, or 12 of 16. Feed-forwards take so many rows at once, and
// where products are fast it counts that what two rows have between their layers stays in the nearest cache.
constexpr bool FAST = LANES == 16 && !std::is_same_v<Kind, Fp32>;
constexpr int ROWS = FAST ? 2 : 4, COLUMNS = FAST ? 10 : LANES == 16 ? 5 : 3;

// finish(R × C sums over k of rows(r, k) right(c, k)), kept in registers. `right` gives a number or a vector.
template <class Kind, int R, int C, class Right, class Finish>
INLINE inline void tile(int length, Rows<typename Kind::Operand> rows, Right right, Finish finish) {
  using Operand = typename Kind::Operand;
  typename Kind::Sum sums[R][C] = {};
  const Operand* left = rows.at;
  const long stride = rows.stride, thrice = 3 * stride;
  for (int k = 0; k < length; k++, left += rows.step) {
    asm("" : "+r"(left));  // one address that advances, instead of R of them
    Operand values[R == 1 ? 1 : C];
#pragma GCC unroll 64
    for (int c = 0; R > 1 && c < C; c++) values[c] = all(right(c, k));
#pragma GCC unroll 64
    for (int r = 0; r < R; r++) {
      Operand value = r < 3 ? left[r * stride] : left[thrice];
#pragma GCC unroll 64
      for (int c = 0; c < C; c++) Kind::add(sums[r][c], value, R > 1 ? values[c] : all(right(c, k)));
    }
  }
  finish(sums);
}

// The same for R rows and all columns, whose number in `right` is c + j with c a multiple of COLUMNS unless j is 0.
template <class Kind, int R, class Right, class Finish>
INLINE inline void strip(int columns, int length, Rows<typename Kind::Operand> rows, Right right, Finish finish) {
  int c = 0;
  auto as_wide_as = [&](auto width) INLINE {
    constexpr int W = decltype(width)::value;
    for (; c + W <= columns; c += W)
      tile<Kind, R, W>(
          length, rows, [&](int j, int k) INLINE { return right(c, j, k); },
          [&](auto& sums) INLINE { finish(c, sums); });
  };
  if (R == 1) as_wide_as(std::integral_constant<int, ROWS * COLUMNS>{});
  as_wide_as(std::integral_constant<int, COLUMNS>{});
  as_wide_as(std::integral_constant<int, 1>{});
}

// finish(row, column, tile of sums over k of rows(r, k) right(c, 0, k)) for all rows and columns, see `each`.
template <class Kind = Fp32, class Right, class Finish>
__attribute__((noinline)) void product(int count, int columns, int length, Rows<typename Kind::Operand> rows,
                                       Right right, Finish finish) {
  int row = 0;
  auto moved = [&](int c, auto& sums) INLINE { finish(row, c, sums); };
  auto below = [&] { return decltype(rows){rows.at + row * rows.stride, rows.stride, rows.step}; };
  for (; row + ROWS <= count; row += ROWS) strip<Kind, ROWS>(columns, length, below(), right, moved);
  for (; row < count; row++) strip<Kind, 1>(columns, length, below(), right, moved);
}

// done(row, column, sum) for each sum of a product.
template <class Done>
struct Each {
  Done done;
  template <int R, int C, class Sum>
  INLINE void operator()(int row, int column, Sum (&sums)[R][C]) const {
#pragma GCC unroll 64
    for (int r = 0; r < R; r++)
#pragma GCC unroll 64
      for (int c = 0; c < C; c++) done(row + r, column + c, sums[r][c]);
  }
};
template <class Done>
INLINE inline auto each(Done done) {
  return Each<Done>{done};
}

}  // namespace painlit
