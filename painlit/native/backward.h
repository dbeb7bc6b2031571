// Gradients of what layers.h computes. Those of weights are added to tensors that lie as torch lays them out.
#pragma once

#include "layers.h"

namespace painlit {

using Gradients = float* const*;  // of each tensor of weights, to be added to

constexpr int OUTPUTS = 24;  // whose gradients of weights are computed before the next are: what they need is cached
constexpr int STRIP = 16;    // rows of a feed-forward at once: over them gradients of weights are summed in registers

// Adds to `to` the gradient of what a norm was given, from `back`, that of what it made.
void back(const Norm& norm, int rows, const Vector* x, const Vector* back, Vector* to, Gradients gradients,
          Vectors& sums) {
  const int n = norm.length;
  sums.assign(2 * n, Vector{});
  Vector *scale = sums.data(), *shift = scale + n;
  for (int r = 0; r < rows; r++, x += n, back += n, to += n) {
    Vector mean = {}, factor = {}, first = {}, second = {};
    norm.moments(x, mean, factor);
    for (int i = 0; i < n; i++) {
      const Vector normed = (x[i] - mean) * factor, scaled = back[i] * norm.scale[i];
      scale[i] += back[i] * normed;
      shift[i] += back[i];
      first += scaled;
      second += scaled * normed;
    }
    first /= float(n);
    second *= factor / float(n);
    for (int i = 0; i < n; i++) to[i] += factor * (back[i] * norm.scale[i] - first - (x[i] - mean) * second);
  }
  for (int i = 0; i < n; i++) gradients[norm.number][i] += total(scale[i]);
  for (int i = 0; i < n; i++) gradients[norm.number + 1][i] += total(shift[i]);
}

// Adds up the lanes of each sum of a product, and adds that to the number at place(row, column), beside which lie those
// of the next three rows of a tile.
template <class Place>
struct AddTotals {
  Place place;
  template <int R, int C>
  INLINE void operator()(int row, int column, Vector (&sums)[R][C]) const {
#pragma GCC unroll 64
    for (int c = 0; c < C; c++) {
      float* to = place(row, column + c);
      const Eight made = totals(sums[0][c], sums[1 % R][c], sums[2 % R][c], sums[3 % R][c]);
      for (int r = 0; r < R; r++) to[r] += made[r];
    }
  }
};
template <class Place>
INLINE inline auto add_totals(Place place) {
  return AddTotals<Place>{place};
}

// Adds the gradients of weights and bias.
void learn(const Linear& linear, int rows, const Vector* x, const Vector* back, Gradients gradients) {
  const int in = linear.in, out = linear.out, split = linear.split;
  float* tensors[] = {gradients[linear.number], nullptr};
  if (split < out || linear.with_bias) tensors[1] = gradients[linear.number + 1];
  for (int first = 0; first < out; first += OUTPUTS)
    product(
        in, std::min(OUTPUTS, out - first), rows, {x, 1, in},
        [=](int c, int j, int r) INLINE { return back[r * out + first + c + j]; }, add_totals([=](int i, int c) INLINE {
          const int o = first + c, second = o >= split;
          return tensors[second] + (o - second * split) * in + i;
        }));
  for (int o = 0; linear.with_bias && o < out; o++) {
    Vector sum = {};
    for (int r = 0; r < rows; r++) sum += back[r * out + o];
    tensors[1][o] += total(sum);
  }
}

// to(r, i, gradient of input i of row r)
template <class To>
INLINE inline void back(const Linear& linear, int rows, const Vector* back, To to) {
  product(rows, linear.in, linear.out, {back, linear.out}, linear.transposed.read(), each(to));
}

// Finishes a product of (token, number) with what lanes add to the gradients of keys or values, see `of_tokens`.
INLINE inline auto to_tokens(Vector* x, int width) {
  float* numbers = (float*)x;
  return add_totals([=](int token, int i) INLINE { return numbers + place_of_token(token, i, 3 * width); });
}

// A head of attention again, and back. `key` and `value` are as of `attention_weights`; `to_key` and `to_value` finish
// products of (token, number) with the sums of what each lane adds to their gradients.
template <class Key, class Value, class ToKey, class ToValue>
INLINE inline void attention_back(int queries, int tokens, int width, long n, const Vector* query, Key key, Value value,
                                  Vector* gathered, const Vector* back, Vector* back_query, ToKey to_key,
                                  ToValue to_value, Vector* weights, Vector* slopes, Vector* factors) {
  attention_weights(queries, tokens, width, {query, 3 * n}, key, weights, factors);
  for (int r = 0; r < queries; r++, factors++) {
    for (int t = 0; t < tokens; t++) weights[r * tokens + t] *= *factors;
    *factors = all(1.f);
  }
  factors -= queries;
  weighted(queries, tokens, width, weights, factors, value, gathered, n);
  product(
      tokens, width, queries, {weights, 1, tokens}, [=](int c, int j, int r) INLINE { return back[r * n + c + j]; },
      to_value);
  product(
      queries, tokens, width, {back, n}, [=](int c, int j, int k) INLINE { return value(c + j, k); },
      each([=](int r, int c, Vector sum) INLINE { slopes[r * tokens + c] = sum; }));
  const float scale = 1 / std::sqrt(float(width));
  for (int r = 0; r < queries; r++) {
    const Vector* weight = weights + r * tokens;
    Vector *slope = slopes + r * tokens, sum = {};
    for (int t = 0; t < tokens; t++) sum += weight[t] * slope[t];
    for (int t = 0; t < tokens; t++) slope[t] = weight[t] * (slope[t] - sum) * scale;
  }
  weighted(queries, tokens, width, slopes, factors, key, back_query, 3 * n);
  product(
      tokens, width, queries, {slopes, 1, tokens}, [=](int c, int j, int r) INLINE { return query[r * 3 * n + c + j]; },
      to_key);
}

}  // namespace painlit
