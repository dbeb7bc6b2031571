// Layers of Transformer in Transformer (timm's TNT), forward, on rows of vectors.
#pragma once

#include <algorithm>
#include <cmath>

#include "products.h"

namespace painlit {

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
    const Vector middle = summed(length, [=](int i) INLINE { return x[i]; }) / float(length);
    const Vector squares = summed(length, [=](int i) INLINE { return (x[i] - middle) * (x[i] - middle); });
    mean = middle;
    factor = inverse_root(squares / float(length) + EPSILON);
  }
  INLINE inline void operator()(int rows, const Vector* x, Vector* y) const {
    for (int r = 0; r < rows; r++, x += length, y += length) {
      Vector mean = {}, factor = {};
      moments(x, mean, factor);
      for (int i = 0; i < length; i++) y[i] = (x[i] - mean) * factor * scale[i] + shift[i];
    }
  }
};

// What a thread works in.
struct Space {
  Vectors normed, made, gathered, weights, factors;
  std::vector<Bits> rounded, queries, keys, values;
};

// A matrix as a product reads it: of COLUMNS outputs each input after input.
template <class Kind>
class Panels {
 public:
  Panels(int in, int out) : steps(steps_of<Kind>(in)), weight((out + COLUMNS) * steps * Kind::STEP) {}
  typename Kind::Element& at(int o, int i) {
    const int place = (o / COLUMNS * steps + i / Kind::STEP) * COLUMNS + o % COLUMNS;
    return weight[place * Kind::STEP + i % Kind::STEP];
  }
  INLINE inline auto read() const {
    const auto* panels = (const typename Kind::Number*)weight.data();
    const int length = steps;
    return [=](int c, int j, int k) INLINE {
      return panels[((c / COLUMNS + j / COLUMNS) * length + k) * COLUMNS + c % COLUMNS + j % COLUMNS];
    };
  }
  const int steps;

 private:
  std::vector<typename Kind::Element> weight;
};

struct Linear {
  int number, in, out, split;  // of its first tensor; features; outputs before those of a second tensor
  bool with_bias = false;
  std::vector<float> bias, factors;
  std::vector<int> zeros;
  Panels<Kind> panels;
  Panels<Fp32> transposed;  // for training

  Linear(Weights& weights, int in, int out, bool with_bias) : Linear(weights, in, out, out) {
    this->with_bias = with_bias;
    if (with_bias) std::copy_n(weights.next(), out, bias.begin());
  }
  Linear(Weights& weights, int in, int out, int split)
      : number(weights.read), in(in), out(out), split(split), bias(out), factors(out), zeros(out), panels(in, out),
        transposed(out, weights.training ? in : 0) {
    const float* from = weights.next();
    for (int o = 0; o < out; o++) {
      if (o == split) from = weights.next();
      factors[o] = Kind::factor(from, in);
      for (int i = 0; i < in; i++, from++) {
        panels.at(o, i) = Kind::element(*from / factors[o]);
        zeros[o] += Kind::zero(panels.at(o, i));
        if (weights.training) transposed.at(i, o) = *from;
      }
    }
  }
  // to(r, c, output c of row r of x)
  template <class To>
  INLINE inline void operator()(int rows, const Vector* x, Space& space, To to) const {
    const float *offset = bias.data(), *factor = factors.data();
    const int* zero = zeros.data();
    const Vector* of_row = space.factors.data();
    product<Kind>(rows, out, panels.steps, Kind::rounded(rows, in, {x, in}, space.rounded.data(), space.factors.data()),
                  panels.read(), each([=](int r, int c, typename Kind::Sum sum) INLINE {
                    to(r, c, Kind::value(sum, of_row[r], factor[c], zero[c]) + offset[c]);
                  }));
  }
};

using Attention = Kind::Attention;

// Where number i of a token lies in rows whose lanes are tokens.
INLINE inline long place_of_token(int token, int i, long stride) {
  return (token / LANES * stride + i) * LANES + token % LANES;
}

// Such rows, to be read by (token, number).
template <class Number = float, class Operand>
INLINE inline auto of_tokens(Rows<Operand> x) {
  const auto* numbers = (const Number*)x.at;
  const long stride = x.stride;
  return [=](int token, int i) INLINE { return numbers[place_of_token(token, i, stride)]; };
}

// Softmax(query keyᵀ scale) of some queries, but for a factor of each. `key` of (token, step) gives a number or a
// vector.
template <class Key>
INLINE inline void attention_weights(int queries, int tokens, int width, Rows<Attention::Operand> query, Key key,
                                     Vector* weights, Vector* factors) {
  const float scale = 1 / std::sqrt(float(width));
  product<Attention>(
      queries, tokens, steps_of<Attention>(width), query, [=](int c, int j, int k) INLINE { return key(c + j, k); },
      each([=](int r, int c, Vector sum) INLINE { weights[r * tokens + c] = sum * scale; }));
  for (int r = 0; r < queries; r++) {
    Vector* x = weights + r * tokens;
    const Vector most = joined(x[0], tokens, larger, [=](int i) INLINE { return x[i]; });
    factors[r] = 1.f / summed(tokens, [=](int i) INLINE { return x[i] = Kind::exp(x[i] - most); });
  }
}

// The sum of values as each query weighs them, times its factor, to rows `stride` apart. `value` is of (step over
// tokens, feature).
template <class Value>
INLINE inline void weighted(int queries, int tokens, int width, const Vector* weights, const Vector* factors,
                            Value value, Vector* result, long stride, Bits* rounded = nullptr) {
  product<Attention>(
      queries, width, steps_of<Attention>(tokens), Attention::rounded(queries, tokens, {weights, tokens}, rounded),
      [=](int c, int j, int k) INLINE { return value(k, c + j); },
      each([=](int r, int c, Vector sum) INLINE { result[r * stride + c] = sum * factors[r]; }));
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

  // `gather(query, key, value, result)` computes a head; rows of the first three are 3 · width apart.
  template <class Gather>
  INLINE inline void attend(Vector* x, int rows, Space& space, Gather gather) const {
    const int n = width;
    Vector *normed = space.normed.data(), *made = space.made.data(), *gathered = space.gathered.data();
    before_attention(rows, x, normed);
    attention(rows, normed, space, [=](int r, int c, Vector y) INLINE { made[r * 3 * n + c] = y; });
    for (int h = 0; h < heads; h++) {
      const Vector* query = made + n / heads * h;
      gather(query, query + n, query + 2 * n, gathered + n / heads * h);
    }
    after_attention(rows, gathered, space, [=](int r, int c, Vector y) INLINE { x[r * n + c] += y; });
  }
  INLINE inline void mlp(Vector* x, int rows, Space& space) const {
    const int n = width, m = up.out;
    Vector *normed = space.normed.data(), *hidden = space.made.data();
    for (int first = 0; first < rows; first += ROWS) {
      const int count = std::min(ROWS, rows - first);
      Vector* part = x + first * n;
      before_mlp(count, part, normed);
      up(count, normed, space, [=](int r, int c, Vector y) INLINE { hidden[r * m + c] = y * Kind::normal(y); });
      down(count, hidden, space, [=](int r, int c, Vector y) INLINE { part[r * n + c] += y; });
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
