// Latents attend to tokens, which are keys and values at once; forward and backward. A token is values of a sample and
// the features of its place, which all samples share, divided by its standard deviation. LayerNorm takes its mean off
// too: that is done to queries, and to what they gather, instead.
//
// A vector holds a feature of as many latents. Tokens are numbers that meet vectors, some at a time, and for each some
// all samples in turn: what places add to the products is computed once. Of no latent are the weights of all tokens in
// memory. The sums that softmax divides by are kept for the backward pass, which forms the weights again.
#include "backward.h"

using namespace painlit;

namespace {

constexpr int CHUNK = 60;  // tokens at once, a multiple of COLUMNS

struct Sizes {
  int latents, values, places, tokens;
  int features() const { return values + places; }
  int groups() const { return (latents + LANES - 1) / LANES; }
  int stride() const { return (features() + COLUMNS - 1) / COLUMNS * COLUMNS; }  // so that tiles of a product are full
  long of_latents() const { return long(latents) * features(); }
  long of_tokens() const { return long(tokens) * values; }
};

// (latents, features) as vectors, a group of latents after the other.
void in_lanes(const Sizes& sizes, const float* numbers, int features, int stride, Vector* to) {
  for (int l = 0; l < sizes.latents; l++)
    for (int i = 0; i < features; i++) to[l / LANES * stride + i][l % LANES] = *numbers++;
}

// Some tokens: values, then features of places, then zeros.
struct Chunk {
  const Sizes& sizes;
  int first = 0, count = 0, stride;
  std::vector<float> numbers;
  float place_means[CHUNK], place_squares[CHUNK], means[CHUNK], factors[CHUNK];  // factor: 1 / standard deviation
  explicit Chunk(const Sizes& sizes) : sizes(sizes), stride(sizes.stride()), numbers(CHUNK * stride) {}

  // Go to the next, with their places.
  bool next(const float* places) {
    first += count;
    count = std::min(CHUNK, sizes.tokens - first);
    for (int t = 0; t < count; t++) {
      float* to = &numbers[t * stride + sizes.values];
      std::copy_n(places + long(first + t) * sizes.places, sizes.places, to);
      moments(to, sizes.places, place_means[t], place_squares[t]);
    }
    return count > 0;
  }
  // Take a sample's values. The variance is that of two sets together (Chan et al. 1983).
  void read(const float* tokens) {
    const float v = sizes.values, p = sizes.places, n = v + p;
    for (int t = 0; t < count; t++) {
      float *to = &numbers[t * stride], mean = 0, squares = 0;
      std::copy_n(tokens + long(first + t) * sizes.values, sizes.values, to);
      moments(to, sizes.values, mean, squares);
      const float apart = mean - place_means[t];
      means[t] = place_means[t] + apart * v / n;
      factors[t] = 1 / std::sqrt((place_squares[t] + squares + apart * apart * v * p / n) / n + 1e-5f);
    }
  }
  static void moments(const float* numbers, int length, float& mean, float& squares) {
    mean = squares = 0;
    for (int i = 0; i < length; i++) mean += numbers[i] / length;
    for (int i = 0; i < length; i++) squares += (numbers[i] - mean) * (numbers[i] - mean);
  }

  // done(group, token, sum over `length` features from `from` on of `x` times those of the token)
  template <class Done>
  INLINE inline void dots(const Vector* x, int from, int length, Done done) const {
    const float* at = numbers.data() + from;
    product(
        sizes.groups(), count, length, {x + from, stride},
        [=, n = stride](int c, int j, int k) INLINE { return at[(c + j) * n + k]; }, each(done));
  }
  // Adds to `to` the sum of those features of tokens times weights[group · CHUNK + token].
  INLINE inline void gather(const Vectors& weights, int from, int length, Vector* to) const {
    const float* at = numbers.data() + from;
    product(
        sizes.groups(), length, count, {weights.data(), CHUNK},
        [=, n = stride](int c, int j, int k) INLINE { return at[k * n + c + j]; },
        each([=, n = stride, sums = to + from](int g, int c, Vector sum) INLINE { sums[g * n + c] += sum; }));
  }
};

// Products of queries with tokens; `shared` has what places add, see `of_places`.
template <class Done>
INLINE inline void logits(const Chunk& chunk, const Vectors& queries, const Vectors& shared, Done done) {
  chunk.dots(queries.data(), 0, chunk.sizes.values,
             [=, of = shared.data(), factor = chunk.factors](int g, int t, Vector sum)
                 INLINE { done(g, t, (sum + of[g * CHUNK + t]) * factor[t]); });
}
INLINE inline void of_places(const Chunk& chunk, const Vectors& queries, Vectors& shared) {
  chunk.dots(queries.data(), chunk.sizes.values, chunk.sizes.places,
             [to = shared.data()](int g, int t, Vector sum) INLINE { to[g * CHUNK + t] = sum; });
}

// What a sample's latents have gathered so far.
struct Gathered {
  Vectors most, total, sums;
  explicit Gathered(const Sizes& sizes)
      : most(sizes.groups(), all(-1e30f)), total(sizes.groups()), sums(sizes.groups() * sizes.stride()) {}

  void add(const Chunk& chunk, Vectors& weights) {
    for (int g = 0; g < chunk.sizes.groups(); g++) {
      Vector* weight = weights.data() + g * CHUNK;
      const float* factor = chunk.factors;
      const Vector now = joined(most[g], chunk.count, larger, [=](int t) INLINE { return weight[t]; });
      const Vector shrunk = Exact::exp(most[g] - now);
      total[g] = total[g] * shrunk + summed(chunk.count, [=](int t) INLINE {
                   const Vector made = Exact::exp(weight[t] - now);
                   weight[t] = made * factor[t];
                   return made;
                 });
      for (int i = 0; i < chunk.stride; i++) sums[g * chunk.stride + i] *= shrunk;
      most[g] = now;
    }
    chunk.gather(weights, 0, chunk.stride, sums.data());
  }
  void give(const Sizes& sizes, float* gathered, float* levels) const {
    for (int l = 0; l < sizes.latents; l++) {
      const int g = l / LANES, lane = l % LANES;
      for (int i = 0; i < sizes.features(); i++) *gathered++ = sums[g * sizes.stride() + i][lane] / total[g][lane];
      levels[l] = most[g][lane] + std::log(total[g][lane]);
    }
  }
};

// The way back of a sample.
struct Back {
  Vectors level, slope, mean;  // logarithms of sums of exponentials; the gradient of what was gathered, and its mean
  Back(const Sizes& sizes, const float* gathered, const float* levels, const float* back_gathered)
      : level(sizes.groups()), slope(sizes.groups() * sizes.stride()), mean(sizes.groups()) {
    const int n = sizes.stride();
    Vectors made(slope.size());
    in_lanes(sizes, levels, 1, 1, level.data());
    in_lanes(sizes, gathered, sizes.features(), n, made.data());
    in_lanes(sizes, back_gathered, sizes.features(), n, slope.data());
    for (int g = 0; g < sizes.groups(); g++)
      mean[g] = summed(n, [&](int i) INLINE { return slope[g * n + i] * made[g * n + i]; });
  }

  // Gradients of products times factors to `slopes`, and added to `of_all`; weights times factors to `weights`;
  // `effects` has for each token what its factor does, times it.
  void differentiate(const Chunk& chunk, const Vectors& queries, const Vectors& shared, Vectors& weights,
                     Vectors& slopes, Vectors& of_all, Vectors& effects) const {
    logits(chunk, queries, shared,
           [to = weights.data()](int g, int t, Vector logit) INLINE { to[g * CHUNK + t] = logit; });
    chunk.dots(slope.data(), 0, chunk.sizes.features(),
               [to = slopes.data()](int g, int t, Vector sum) INLINE { to[g * CHUNK + t] = sum; });
    std::fill(effects.begin(), effects.end(), Vector{});
    for (int g = 0; g < chunk.sizes.groups(); g++) {
      Vector *weight = &weights[g * CHUNK], *of_weight = &slopes[g * CHUNK], *sum = &of_all[g * CHUNK];
      const Vector of_group = level[g], middle = mean[g];
      for (int t = 0; t < chunk.count; t++) {
        const float factor = chunk.factors[t];
        const Vector logit = weight[t], share = Exact::exp(logit - of_group), dot = of_weight[t] * factor;
        const Vector back = share * (dot - middle);
        effects[t] += back * logit + share * dot;
        weight[t] = share * factor;
        of_weight[t] = back * factor;
        sum[t] += of_weight[t];
      }
    }
  }
  // Adds to the gradient of values, (values, tokens).
  void give(const Chunk& chunk, const Vectors& queries, const Vectors& weights, const Vectors& slopes,
            const Vectors& effects, float* back_tokens) const {
    const Sizes& sizes = chunk.sizes;
    float* to = back_tokens + chunk.first;
    add_sums(chunk, slopes, queries, to);
    add_sums(chunk, weights, slope, to);
    for (int t = 0; t < chunk.count; t++) {
      const float by_factor = total(effects[t]) * chunk.factors[t] * chunk.factors[t] / sizes.features();
      for (int i = 0; i < sizes.values; i++)
        to[long(i) * sizes.tokens + t] -= by_factor * (chunk.numbers[t * chunk.stride + i] - chunk.means[t]);
    }
  }
  // Adds the sum over latents of weights[group · CHUNK + token] times what `x` has for a value.
  static void add_sums(const Chunk& chunk, const Vectors& weights, const Vectors& x, float* to) {
    product(
        chunk.count, chunk.sizes.values, chunk.sizes.groups(), {weights.data(), 1, CHUNK},
        [right = x.data(), n = chunk.stride](int c, int j, int g) INLINE { return right[g * n + c + j]; },
        add_totals([=, apart = long(chunk.sizes.tokens)](int t, int i) INLINE { return to + i * apart + t; }));
  }
};

}  // namespace

extern "C" {
// queries (latents, features), tokens (samples, tokens, values), places (tokens, features of them) -> gathered
// (samples, latents, features), levels (samples, latents): the logarithm of the sum of exponentials.
void attend(const Sizes* sizes, int samples, const float* queries, const float* tokens, const float* places,
            float* gathered, float* levels) {
  const int stride = sizes->stride();
  Vectors in(sizes->groups() * stride), weights(sizes->groups() * CHUNK), shared(weights.size());
  in_lanes(*sizes, queries, sizes->features(), stride, in.data());
  std::vector<Gathered> made(samples, Gathered(*sizes));
  for (Chunk chunk(*sizes); chunk.next(places);) {
    of_places(chunk, in, shared);
    for (int s = 0; s < samples; s++) {
      chunk.read(tokens + s * sizes->of_tokens());
      logits(chunk, in, shared,
             [to = weights.data()](int g, int t, Vector logit) INLINE { to[g * CHUNK + t] = logit; });
      made[s].add(chunk, weights);
    }
  }
  for (int s = 0; s < samples; s++)
    made[s].give(*sizes, gathered + s * sizes->of_latents(), levels + s * sizes->latents);
}

// Adds to back_queries, and to back_tokens (samples, values, tokens) where it is not null.
void attend_back(const Sizes* sizes, int samples, const float* queries, const float* tokens, const float* places,
                 const float* gathered, const float* levels, const float* back_gathered, float* back_queries,
                 float* back_tokens) {
  const int stride = sizes->stride();
  Vectors in(sizes->groups() * stride), sums(in.size()), weights(sizes->groups() * CHUNK), effects(CHUNK);
  Vectors shared(weights.size()), slopes(weights.size()), of_all(weights.size());
  in_lanes(*sizes, queries, sizes->features(), stride, in.data());
  std::vector<Back> backs;
  for (int s = 0; s < samples; s++)
    backs.emplace_back(*sizes, gathered + s * sizes->of_latents(), levels + s * sizes->latents,
                       back_gathered + s * sizes->of_latents());
  for (Chunk chunk(*sizes); chunk.next(places);) {
    of_places(chunk, in, shared);
    std::fill(of_all.begin(), of_all.end(), Vector{});
    for (int s = 0; s < samples; s++) {
      chunk.read(tokens + s * sizes->of_tokens());
      backs[s].differentiate(chunk, in, shared, weights, slopes, of_all, effects);
      chunk.gather(slopes, 0, sizes->values, sums.data());
      if (back_tokens) backs[s].give(chunk, in, weights, slopes, effects, back_tokens + s * sizes->of_tokens());
    }
    chunk.gather(of_all, sizes->values, sizes->places, sums.data());
  }
  for (int l = 0; l < sizes->latents; l++)
    for (int i = 0; i < sizes->features(); i++) *back_queries++ += sums[l / LANES * stride + i][l % LANES];
}
}
