// Layers on rows of numbers, such as torch's, forward and backward: a vector holds neighbouring features of a row.
//
// Widths are multiples of 16. Where one was not, zeros were added, to weights too, and what is made of them stays zero.
#pragma once

#include "products.h"

namespace painlit {

// Of a row of so many numbers.
constexpr int vectors_of(int width) { return (width + 15) / 16 * (16 / LANES); }

// Numbers of rows that are `apart`, to be read by (row, k); and of columns.
INLINE inline auto rows_of(const float* numbers, long apart) {
  return [=](int row, int k) INLINE { return numbers[row * apart + k]; };
}
INLINE inline auto columns_of(const float* numbers, long apart) {
  return [=](int column, int k) INLINE { return numbers[k * apart + column]; };
}

// to(row, i, vector i of the sum over k of number(row, k) times row k of `right`, of `width` vectors), `right` with
// `apart` vectors from one row to the next. What a strip of eight lanes reads of `right` is copied side by side first,
// since rows a power of two apart are in each other's way in the cache; with sixteen, which read twice as much of each
// row, that gains nothing.
template <class Number, class To>
INLINE inline void multiply(int rows, int length, Number number, int width, const Vector* right, long apart, To to) {
  static thread_local Vectors copy;
  if (LANES == 8) copy.resize(std::max<size_t>(copy.size(), ROWS * length));
  for (int first = 0; first < width; first += ROWS) {
    const int count = std::min(ROWS, width - first);
    Rows<> strip{right + first, 1, apart};
    if (LANES == 8) {
      for (int k = 0; k < length; k++) std::copy_n(strip.at + k * apart, count, &copy[k * count]);
      strip = {copy.data(), 1, count};
    }
    product(
        count, rows, length, strip, [=](int c, int j, int k) INLINE { return number(c + j, k); },
        each([=](int i, int row, Vector sum) INLINE { to(row, first + i, sum); }));
  }
}

// A tensor of weights; the same with rows for columns; and its gradient, to be added to.
struct Weight {
  const Vector *rows, *columns;
  Vector* gradient;
};
struct Weights {
  const Vector *const *rows, *const *columns;
  Vector* const* gradients;  // null in a forward pass
  Weight next() { return {*rows++, *columns++, gradients ? *gradients++ : nullptr}; }
};

struct LayerNorm {
  static constexpr float EPSILON = 1e-5f;
  int length, width;  // of a row: numbers that count, vectors
  Vectors inside;     // one where a number counts
  Weight scale, shift;
  LayerNorm(Weights& weights, int length, int width)
      : length(length), width(width), inside(width), scale(weights.next()), shift(weights.next()) {
    for (int i = 0; i < length; i++) inside[i / LANES][i % LANES] = 1;
  }

  // centred(i) and its `factor`: their product is a row's number, normalised.
  INLINE inline auto normalised(const Vector* x, float& factor) const {
    const float mean = total(summed(width, [=](int i) INLINE { return x[i]; })) / length;
    const auto centred = [=, of = inside.data()](int i) INLINE { return (x[i] - mean) * of[i]; };
    const float squares = total(summed(width, [=](int i) INLINE { return centred(i) * centred(i); }));
    factor = 1 / std::sqrt(squares / length + EPSILON);
    return centred;
  }
  void operator()(int rows, const Vector* x, Vector* y) const {
    for (; rows--; x += width, y += width) {
      float factor = 0;
      const auto centred = normalised(x, factor);
      for (int i = 0; i < width; i++) y[i] = centred(i) * factor * scale.rows[i] + shift.rows[i];
    }
  }
  // Adds to `to` the gradient of x, from `back`, that of y.
  void back(int rows, const Vector* x, const Vector* back, Vector* to) const {
    for (; rows--; x += width, back += width, to += width) {
      float factor = 0;
      const auto centred = normalised(x, factor);
      const auto scaled = [=](int i) INLINE { return back[i] * scale.rows[i]; };
      const float mean = total(summed(width, scaled)) / length;
      const float slope = total(summed(width, [=](int i) INLINE { return scaled(i) * centred(i); })) / length * factor;
      for (int i = 0; i < width; i++) {
        const Vector normed = centred(i) * factor;
        scale.gradient[i] += back[i] * normed;
        shift.gradient[i] += back[i];
        to[i] += (scaled(i) - mean * inside[i] - normed * slope) * factor;
      }
    }
  }
};

struct Linear {
  int in, out;  // vectors
  Weight weight, bias;
  Linear(Weights& weights, int in, int out, bool with_bias = true)
      : in(in), out(out), weight(weights.next()), bias(with_bias ? weights.next() : Weight{}) {}

  // to(row, i, vector i of the output)
  template <class To>
  INLINE inline void operator()(int rows, const Vector* x, To to) const {
    multiply(rows, in * LANES, rows_of((const float*)x, in * LANES), out, weight.columns, out,
             [=, offset = bias.rows](int row, int i, Vector sum)
                 INLINE { to(row, i, offset ? sum + offset[i] : sum); });
  }
  // to(row, i, vector i of the gradient of x), from `back`, that of the output
  template <class To>
  INLINE inline void back(int rows, const Vector* back, To to) const {
    multiply(rows, out * LANES, rows_of((const float*)back, out * LANES), in, weight.rows, in, to);
  }
  // Adds to the gradients of weight and bias.
  void learn(int rows, const Vector* x, const Vector* back) const {
    Vector* to = weight.gradient;
    const int n = in;
    multiply(out * LANES, rows, columns_of((const float*)back, out * LANES), in, x, in,
             [=](int o, int i, Vector sum) INLINE { to[o * n + i] += sum; });
    for (int r = 0; bias.gradient && r < rows; r++)
      for (int i = 0; i < out; i++) bias.gradient[i] += back[r * out + i];
  }
};

}  // namespace painlit
