// Layers of Transformer in Transformer (timm's TNT), forward, on rows of vectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace painlit {

using Vectors = std::vector<Vector>;

// Weights as torch lays them out, one tensor after the other; those of norms must outlive what is made of them.
struct Weights {
  const float* const* at;
  bool training;
  int read = 0;
  const float* next() { return at[read++]; }
};

struct Norm {
  static constexpr float EPSILON = 1e-5f;
  int number, length;  // of its first tensor
  const float *scale, *shift;
  Norm(Weights& weights, int length)
      : number(weights.read), length(length), scale(weights.next()), shift(weights.next()) {}

  // x - mean of each number is (x[i] - mean) and its norm that times factor
  INLINE inline void moments(const Vector* x, Vector& mean, Vector& factor) const {
    Vector sum = {}, squares = {};
    for (int i = 0; i < length; i++) sum += x[i];
    mean = sum / float(length);
    for (int i = 0; i < length; i++) squares += (x[i] - mean) * (x[i] - mean);
    const Vector variance = squares / float(length) + EPSILON;
    for (int lane = 0; lane < LANES; lane++) factor[lane] = 1 / std::sqrt(variance[lane]);
  }
  INLINE inline void operator()(int rows, const Vector* x, Vector* y) const {
    for (int r = 0; r < rows; r++, x += length, y += length) {
      Vector mean = {}, factor = {};
      moments(x, mean, factor);
      for (int i = 0; i < length; i++) y[i] = (x[i] - mean) * factor * scale[i] + shift[i];
    }
  }
};

// A matrix as a product reads it: of COLUMNS outputs each input after input.
class Panels {
 public:
  Panels(int in, int out) : in(in), weight((out + COLUMNS) * in) {}
  float& at(int o, int i) { return weight[(o / COLUMNS * in + i) * COLUMNS + o % COLUMNS]; }
  INLINE inline auto read() const {
    const float* panels = weight.data();
    const int length = in;
    return [=](int c, int j, int k) INLINE {
      return panels[((c / COLUMNS + j / COLUMNS) * length + k) * COLUMNS + c % COLUMNS + j % COLUMNS];
    };
  }

 private:
  int in;
  std::vector<float> weight;
};

struct Linear {
  int number, in, out, split;  // of its first tensor; features; outputs before those of a second tensor
  bool with_bias = false;
  std::vector<float> bias;
  Panels panels, transposed;  // the latter for training

  Linear(Weights& weights, int in, int out, bool with_bias) : Linear(weights, in, out, out) {
    this->with_bias = with_bias;
    if (with_bias) std::copy_n(weights.next(), out, bias.begin());
  }
  Linear(Weights& weights, int in, int out, int split)
      : number(weights.read), in(in), out(out), split(split), bias(out), panels(in, out),
        transposed(out, weights.training ? in : 0) {
    const float* from = weights.next();
    for (int o = 0; o < out; o++) {
      if (o == split) from = weights.next();
      for (int i = 0; i < in; i++, from++) {
        panels.at(o, i) = *from;
        if (weights.training) transposed.at(i, o) = *from;
      }
    }
  }
  // to(r, c, output c of row r of x)
  template <class To>
  INLINE inline void operator()(int rows, const Vector* x, To to) const {
    const float* offset = bias.data();
    product(rows, out, in, {x, in}, panels.read(),
            each([=](int r, int c, Vector sum) INLINE { to(r, c, sum + offset[c]); }));
  }
};

// What a thread works in.
struct Space {
  Vectors normed, made, gathered, weights;
};

// Where number i of a token lies in rows of queries, keys and values, 3 · width apart, whose lanes are tokens.
INLINE inline int place_of_token(int token, int i, int width) {
  return (token / LANES * 3 * width + i) * LANES + token % LANES;
}

// Keys or values of these, to be read by (token, number).
INLINE inline auto of_tokens(const Vector* x, int width) {
  const float* numbers = (const float*)x;
  return [=](int token, int i) INLINE { return numbers[place_of_token(token, i, width)]; };
}

// Softmax(query keyᵀ scale) of some queries. `key` of (token, feature) gives a number or a vector.
template <class Key>
INLINE inline void attention_weights(int queries, int tokens, int width, Rows query, Key key, Vector* weights) {
  const float scale = 1 / std::sqrt(float(width));
  product(
      queries, tokens, width, query, [=](int c, int j, int k) INLINE { return key(c + j, k); },
      each([=](int r, int c, Vector sum) INLINE { weights[r * tokens + c] = sum * scale; }));
  for (int r = 0; r < queries; r++) softmax(weights + r * tokens, tokens);
}

// The mean of values as each query weighs them, to rows `stride` apart.
template <class Value>
INLINE inline void weighted(int queries, int tokens, int width, const Vector* weights, Value value, Vector* result,
                            long stride) {
  product(
      queries, width, tokens, {weights, tokens}, [=](int c, int j, int k) INLINE { return value(k, c + j); },
      each([=](int r, int c, Vector sum) INLINE { result[r * stride + c] = sum; }));
}

// A transformer layer, pre-norm: what the inner and the outer stream have in common.
struct Layer {
  int width, heads;
  Norm before_attention;
  Linear attention, after_attention;  // queries, keys and values side by side; timm has values apart
  Norm before_mlp;
  Linear up, down;
  Layer(Weights& weights, int width, int heads, int hidden)
      : width(width), heads(heads), before_attention(weights, width), attention(weights, width, 3 * width, 2 * width),
        after_attention(weights, width, width, true), before_mlp(weights, width), up(weights, width, hidden, true),
        down(weights, hidden, width, true) {}

  // Fills `normed`, `made` with queries, keys and values, and `gathered`: `gather(query, key, value, result)` computes
  // a head; rows of the first three are 3 · width apart.
  template <class Gather>
  INLINE inline void gathered(const Vector* x, int rows, Vector* normed, Vector* made, Vector* to, Gather gather) const {
    const int n = width;
    before_attention(rows, x, normed);
    attention(rows, normed, [=](int r, int c, Vector y) INLINE { made[r * 3 * n + c] = y; });
    for (int h = 0; h < heads; h++) {
      const Vector* query = made + n / heads * h;
      gather(query, query + n, query + 2 * n, to + n / heads * h);
    }
  }
  template <class Gather>
  INLINE inline void attend(Vector* x, int rows, Space& space, Gather gather) const {
    const int n = width;
    gathered(x, rows, space.normed.data(), space.made.data(), space.gathered.data(), gather);
    after_attention(rows, space.gathered.data(), [=](int r, int c, Vector y) INLINE { x[r * n + c] += y; });
  }
  INLINE inline void mlp(Vector* x, int rows, Space& space) const {
    const int n = width, m = up.out;
    Vector *normed = space.normed.data(), *hidden = space.made.data();
    for (int first = 0; first < rows; first += ROWS) {
      const int count = std::min(ROWS, rows - first);
      Vector* part = x + first * n;
      before_mlp(count, part, normed);
      up(count, normed, [=](int r, int c, Vector y) INLINE { hidden[r * m + c] = gelu(y); });
      down(count, hidden, [=](int r, int c, Vector y) INLINE { part[r * n + c] += y; });
    }
  }
};

// What the inner stream gives to the outer one: norm, product, norm.
struct Gift {
  Norm before;
  Linear linear;
  Norm after;
  Gift(Weights& weights, int in, int out, bool with_bias)
      : before(weights, in), linear(weights, in, out, with_bias), after(weights, out) {}
};

}  // namespace painlit
