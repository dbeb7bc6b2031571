// A Perceiver's feed-forward and self-attention, pre-norm, of one sample's latents, forward and backward. Each adds to
// what it is given, as its gradient does; a backward pass computes again what the forward pass does not keep.
#pragma once

#include "features.h"

namespace painlit {

constexpr int STRIP = 128;  // latents whose hidden values, or queries whose weights, are in the cache at once

struct Sizes {
  int latents, width, heads, head_width, hidden, blocks;
  int vectors() const { return vectors_of(width); }
  int inner() const { return heads * vectors_of(head_width); }
  int of_latents() const { return latents * vectors(); }
  int key_vectors() const { return (latents + LANES - 1) / LANES; }
  int of_gathered() const { return latents * inner(); }
};

struct Work {
  Vectors normed, made, gated, back_normed, back_made, back_gathered, keys, values, weights, slopes;
  Work(const Sizes& s, bool training) : keys(vectors_of(s.head_width) * LANES * s.key_vectors()) {
    normed.resize(s.of_latents());
    made.resize(std::max(3 * s.of_gathered(), 2 * STRIP * vectors_of(s.hidden)));
    gated.resize(STRIP * vectors_of(s.hidden));
    weights.resize(STRIP * s.key_vectors());
    if (!training) return;
    back_normed.resize(s.of_latents());
    back_made.resize(3 * s.of_gathered());
    back_gathered.resize(s.of_gathered());
    values.resize(keys.size());
    slopes.resize(weights.size());
  }
};

// do(first, count) for each strip of rows.
template <class Do>
INLINE inline void in_strips(int rows, Do work) {
  for (int first = 0; first < rows; first += STRIP) work(first, std::min(STRIP, rows - first));
}

struct FeedForward {
  LayerNorm norm;
  Linear up, down;
  int hidden;
  FeedForward(Weights& weights, const Sizes& s)
      : norm(weights, s.width, s.vectors()), up(weights, s.vectors(), 2 * vectors_of(s.hidden)),
        down(weights, vectors_of(s.hidden), s.vectors()), hidden(vectors_of(s.hidden)) {}

  // Hidden values times GELU of their gates, of at most STRIP rows, to work.gated; with `slopes`, what these change
  // by with each to work.made.
  template <bool SLOPES>
  void gate(int rows, const Vector* x, Work& work) const {
    const int n = hidden;
    Vector *made = work.made.data(), *to = work.gated.data();
    norm(rows, x, work.normed.data());
    up(rows, work.normed.data(), [=](int r, int i, Vector y) INLINE { made[r * 2 * n + i] = y; });
    for (int r = 0; r < rows; r++, made += 2 * n, to += n)
      for (int i = 0; i < n; i++) {
        const Vector value = made[i], y = made[n + i], share = Exact::normal(y);
        to[i] = value * y * share;
        if (SLOPES) {
          made[i] = y * share;
          made[n + i] = value * (share + y * 0.39894228f * Exact::exp(-0.5f * y * y));
        }
      }
  }
  // Adds to `to` what it makes of x.
  void operator()(int rows, const Vector* x, Vector* to, Work& work) const {
    in_strips(rows, [&](int first, int count) {
      Vector* part = to + first * down.out;
      gate<false>(count, x + first * up.in, work);
      down(count, work.gated.data(), [=, n = down.out](int r, int i, Vector y) INLINE { part[r * n + i] += y; });
    });
  }
  // The sum of hidden values times their gates over rows, to `sum`.
  void summed_gates(int rows, const Vector* x, Vector* sum, Work& work) const {
    std::fill(sum, sum + hidden, Vector{});
    in_strips(rows, [&](int first, int count) {
      gate<false>(count, x + first * up.in, work);
      add_rows(count, work.gated.data(), sum);
    });
  }
  void add_rows(int rows, const Vector* x, Vector* sum) const {
    for (int r = 0; r < rows; r++)
      for (int i = 0; i < hidden; i++) sum[i] += x[r * hidden + i];
  }

  // Adds to the gradient of x; `g` is that of what was made of it, and of x beside it.
  void back(int rows, const Vector* x, Vector* g, Work& work) const {
    in_strips(rows, [&](int first, int count) {
      const Vector* part = x + first * up.in;
      Vector *back_part = g + first * up.in, *made = work.made.data();
      gate<true>(count, part, work);
      down.learn(count, work.gated.data(), back_part);
      down.back(count, back_part, [=, n = hidden](int r, int i, Vector y) INLINE {
        made[r * 2 * n + i] *= y;
        made[(r * 2 + 1) * n + i] *= y;
      });
      back_from_hidden(count, part, back_part, work);
    });
  }
  // The same of the mean over rows, from the gradient of that, (1, width).
  void back_of_mean(int rows, const Vector* x, const Vector* back_mean, Vector* g, Work& work) const {
    Vectors sum(hidden), slope(hidden);
    Vector *of_hidden = slope.data(), *mean = sum.data();
    down.back(1, back_mean, [=](int, int i, Vector y) INLINE { of_hidden[i] = y / float(rows); });
    in_strips(rows, [&](int first, int count) {
      gate<true>(count, x + first * up.in, work);
      add_rows(count, work.gated.data(), mean);
      for (int r = 0; r < 2 * count; r++)
        for (int i = 0; i < hidden; i++) work.made[r * hidden + i] *= of_hidden[i];
      back_from_hidden(count, x + first * up.in, g + first * up.in, work);
    });
    for (Vector& value : sum) value /= float(rows);
    down.learn(1, mean, back_mean);
  }
  // From the gradient of hidden values and gates in work.made.
  void back_from_hidden(int rows, const Vector* x, Vector* g, Work& work) const {
    Vector* to = work.back_normed.data();
    up.learn(rows, work.normed.data(), work.made.data());
    up.back(rows, work.made.data(), [=, n = up.in](int r, int i, Vector y) INLINE { to[r * n + i] = y; });
    norm.back(rows, x, to, g);
  }
};

struct SelfAttention {
  LayerNorm norm;
  Linear in, out;  // queries, keys and values side by side
  int rows, heads, width, keys, inner;
  float scale;
  SelfAttention(Weights& weights, const Sizes& s)
      : norm(weights, s.width, s.vectors()), in(weights, s.vectors(), 3 * s.inner(), false),
        out(weights, s.inner(), s.vectors()), rows(s.latents), heads(s.heads), width(vectors_of(s.head_width)),
        keys(s.key_vectors()), inner(s.inner()), scale(1 / std::sqrt(float(s.head_width))) {}

  // Rows of a head, (rows, width) and 3 · inner apart, as (width · LANES, keys).
  void transpose(const Vector* x, Vector* to) const {
    const float* numbers = (const float*)x;
    float* columns = (float*)to;
    for (int r = 0; r < rows; r += LANES)
      for (int i = 0; i < width * LANES; i++)
        for (int lane = 0; lane < std::min(LANES, rows - r); lane++)
          columns[i * keys * LANES + r + lane] = numbers[long(r + lane) * 3 * inner * LANES + i];
  }
  // to(query, i, vector i over keys of the product with each key), `x` apart from query to query.
  template <class To>
  INLINE inline void meet(int queries, const Vector* x, long apart, const Vector* columns, To to) const {
    multiply(queries, width * LANES, rows_of((const float*)x, apart * LANES), keys, columns, keys, to);
  }
  // Softmax over keys, for some queries.
  void weigh(int queries, const Vector* query, Work& work) const {
    const int n = keys, last = rows - (keys - 1) * LANES;
    Vector* weight = work.weights.data();
    meet(queries, query, 3 * inner, work.keys.data(),
         [=](int q, int i, Vector sum) INLINE { weight[q * n + i] = sum * scale; });
    for (int q = 0; q < queries; q++, weight += n) {
      for (int lane = last; lane < LANES; lane++) weight[n - 1][lane] = -INFINITY;
      const Vector lanes = joined(weight[0], n, larger, [=](int i) INLINE { return weight[i]; });
      float most = lanes[0];
      for (int lane = 1; lane < LANES; lane++) most = std::max(most, lanes[lane]);
      const float sum = total(summed(n, [=](int i) INLINE { return weight[i] = Exact::exp(weight[i] - most); }));
      for (int i = 0; i < n; i++) weight[i] *= 1 / sum;
    }
  }
  const Vector* query(int head, Work& work) const { return work.made.data() + head * width; }
  const Vector* key(int head, Work& work) const { return query(head, work) + inner; }
  const Vector* value(int head, Work& work) const { return key(head, work) + inner; }
  void read(const Vector* x, Work& work) const {
    Vector* made = work.made.data();
    norm(rows, x, work.normed.data());
    in(rows, work.normed.data(), [=, n = 3 * inner](int r, int i, Vector y) INLINE { made[long(r) * n + i] = y; });
  }

  // Adds to `to` what it makes of x.
  void operator()(const Vector* x, Vector* gathered, Vector* to, Work& work) const {
    read(x, work);
    for (int h = 0; h < heads; h++) {
      transpose(key(h, work), work.keys.data());
      in_strips(rows, [&](int first, int count) {
        weigh(count, query(h, work) + long(first) * 3 * inner, work);
        multiply(count, rows, rows_of((const float*)work.weights.data(), keys * LANES), width, value(h, work),
                 3 * inner,
                 [=, part = gathered + long(first) * inner + h * width, n = inner](int q, int i, Vector sum)
                     INLINE { part[long(q) * n + i] = sum; });
      });
    }
    out(rows, gathered, [=, n = out.out](int r, int i, Vector y) INLINE { to[r * n + i] += y; });
  }

  // Adds to the gradient of x; `g` is that of what was made of it, and of x beside it.
  void back(const Vector* x, const Vector* gathered, Vector* g, Work& work) const {
    read(x, work);
    Vector *back_gathered = work.back_gathered.data(), *back_normed = work.back_normed.data();
    out.back(rows, g, [=, n = inner](int r, int i, Vector y) INLINE { back_gathered[long(r) * n + i] = y; });
    std::fill(work.back_made.begin(), work.back_made.end(), Vector{});
    for (int h = 0; h < heads; h++) {
      transpose(key(h, work), work.keys.data());
      transpose(value(h, work), work.values.data());
      in_strips(rows, [&](int first, int count) {
        weigh(count, query(h, work) + long(first) * 3 * inner, work);
        back_of_head(first, count, h, work);
      });
    }
    out.learn(rows, gathered, g);
    in.learn(rows, work.normed.data(), work.back_made.data());
    in.back(rows, work.back_made.data(), [=, n = in.in](int r, int i, Vector y) INLINE { back_normed[r * n + i] = y; });
    norm.back(rows, x, back_normed, g);
  }
  void back_of_head(int first, int queries, int head, Work& work) const {
    const long apart = 3 * inner;
    const Vector* back = work.back_gathered.data() + long(first) * inner + head * width;
    const float *weights = (const float*)work.weights.data(), *slopes = (const float*)work.slopes.data();
    Vector* slope = work.slopes.data();
    meet(queries, back, inner, work.values.data(),
         [=, n = keys](int q, int i, Vector sum) INLINE { slope[q * n + i] = sum; });
    for (int q = 0; q < queries; q++, slope += keys) {
      const Vector* weight = work.weights.data() + q * keys;
      const float mean = total(summed(keys, [=](int i) INLINE { return weight[i] * slope[i]; }));
      for (int i = 0; i < keys; i++) slope[i] = weight[i] * (slope[i] - mean) * scale;
    }
    const auto add_to = [=](Vector* to) { return [=](int r, int i, Vector sum) INLINE { to[r * apart + i] += sum; }; };
    Vector *to_query = work.back_made.data() + head * width, *to_key = to_query + inner, *to_value = to_key + inner;
    const int of_key = keys * LANES;
    multiply(queries, rows, rows_of(slopes, of_key), width, key(head, work), apart, add_to(to_query + first * apart));
    multiply(rows, queries, columns_of(slopes, of_key), width, query(head, work) + first * apart, apart,
             add_to(to_key));
    multiply(rows, queries, columns_of(weights, of_key), width, back, inner, add_to(to_value));
  }
};

}  // namespace painlit
