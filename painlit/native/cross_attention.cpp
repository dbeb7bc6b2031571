// Latents attend to a sample's tokens, which are keys and values at once; forward and backward.
//
// A vector holds a feature of as many latents. Tokens are numbers that meet vectors, some at a time: of no latent are
// the weights of all tokens in memory. The sums that softmax divides by are kept for the backward pass, which forms the
// weights again.
#include "backward.h"

using namespace painlit;

namespace {

constexpr int CHUNK = 60;  // tokens at once, a multiple of COLUMNS

struct Sizes {
  int latents, features, tokens;
  int groups() const { return (latents + LANES - 1) / LANES; }
  int stride() const { return (features + COLUMNS - 1) / COLUMNS * COLUMNS; }  // so that tiles of a product are full
};

// (latents, features) as vectors, a group of latents after the other.
Vectors in_lanes(const Sizes& sizes, const float* numbers, int features, int stride) {
  Vectors made(sizes.groups() * stride);
  for (int l = 0; l < sizes.latents; l++)
    for (int i = 0; i < features; i++) made[l / LANES * stride + i][l % LANES] = *numbers++;
  return made;
}
// And back: they are added to what is there.
void add(const Sizes& sizes, const Vectors& vectors, int features, int stride, float* to) {
  for (int l = 0; l < sizes.latents; l++)
    for (int i = 0; i < features; i++) *to++ += vectors[l / LANES * stride + i][l % LANES];
}

// Some of a sample's tokens, `stride` numbers each.
struct Chunk {
  std::vector<float> numbers;
  explicit Chunk(const Sizes& sizes) : numbers(CHUNK * sizes.stride()) {}
  const float* of(const Sizes& sizes, const float* tokens, int first, int count) {
    for (int t = 0; t < count; t++)
      std::copy_n(tokens + long(first + t) * sizes.features, sizes.features, &numbers[t * sizes.stride()]);
    return numbers.data();
  }
};

// done(group, token, row of `x` times token), of `count` tokens.
template <class Done>
INLINE inline void dots(const Sizes& sizes, const Vectors& x, const float* tokens, int count, Done done) {
  const int stride = sizes.stride();
  product(
      sizes.groups(), count, sizes.features, {x.data(), stride},
      [=](int c, int j, int k) INLINE { return tokens[(c + j) * stride + k]; }, each(done));
}

// Adds to `to` the sum of tokens times weights[group · CHUNK + token].
INLINE inline void gather(const Sizes& sizes, const Vectors& weights, const float* tokens, int count, Vectors& to) {
  const int stride = sizes.stride();
  Vector* sums = to.data();
  product(
      sizes.groups(), stride, count, {weights.data(), CHUNK},
      [=](int c, int j, int k) INLINE { return tokens[k * stride + c + j]; },
      each([=](int g, int c, Vector sum) INLINE { sums[g * stride + c] += sum; }));
}

// Adds the sum over latents of weights[group · CHUNK + token] times a row of `x` to each token's gradient, which are
// `apart` from one feature to the next.
INLINE inline void give_back(const Sizes& sizes, const Vectors& weights, const Vectors& x, int count, float* to,
                             long apart) {
  const int stride = sizes.stride();
  const Vector* right = x.data();
  product(
      count, sizes.features, sizes.groups(), {weights.data(), 1, CHUNK},
      [=](int c, int j, int r) INLINE { return right[r * stride + c + j]; },
      add_totals([=](int t, int i) INLINE { return to + i * apart + t; }));
}

void attend(const Sizes& sizes, const Vectors& queries, const float* tokens, float* gathered, float* levels) {
  const int groups = sizes.groups(), stride = sizes.stride();
  Chunk numbers(sizes);
  Vectors weights(groups * CHUNK), most(groups, all(-1e30f)), total(groups), sums(groups * stride);
  for (int first = 0; first < sizes.tokens; first += CHUNK) {
    const int count = std::min(CHUNK, sizes.tokens - first);
    const float* chunk = numbers.of(sizes, tokens, first, count);
    Vector* to = weights.data();
    dots(sizes, queries, chunk, count, [=](int g, int t, Vector sum) INLINE { to[g * CHUNK + t] = sum; });
    for (int g = 0; g < groups; g++) {
      Vector* weight = to + g * CHUNK;
      const Vector now = joined(most[g], count, larger, [=](int t) INLINE { return weight[t]; });
      const Vector shrunk = Exact::exp(most[g] - now);
      total[g] =
          total[g] * shrunk + summed(count, [=](int t) INLINE { return weight[t] = Exact::exp(weight[t] - now); });
      for (int i = 0; i < stride; i++) sums[g * stride + i] *= shrunk;
      most[g] = now;
    }
    gather(sizes, weights, chunk, count, sums);
  }
  for (int l = 0; l < sizes.latents; l++) {
    const int g = l / LANES, lane = l % LANES;
    for (int i = 0; i < sizes.features; i++) *gathered++ = sums[g * stride + i][lane] / total[g][lane];
    levels[l] = most[g][lane] + std::log(total[g][lane]);
  }
}

// Adds to the gradient of queries; `back_tokens` (features, tokens) is null where it is not wanted.
void back(const Sizes& sizes, const Vectors& queries, const float* tokens, const float* gathered, const float* levels,
          const float* back_gathered, Vectors& back_queries, float* back_tokens) {
  const int groups = sizes.groups(), stride = sizes.stride();
  Chunk numbers(sizes);
  const Vectors level = in_lanes(sizes, levels, 1, 1), made = in_lanes(sizes, gathered, sizes.features, stride);
  const Vectors slope = in_lanes(sizes, back_gathered, sizes.features, stride);
  Vectors weights(groups * CHUNK), slopes(groups * CHUNK), mean(groups);
  for (int g = 0; g < groups; g++)
    mean[g] = summed(stride, [&](int i) INLINE { return slope[g * stride + i] * made[g * stride + i]; });
  for (int first = 0; first < sizes.tokens; first += CHUNK) {
    const int count = std::min(CHUNK, sizes.tokens - first);
    const float* chunk = numbers.of(sizes, tokens, first, count);
    Vector *weight = weights.data(), *to = slopes.data();
    const Vector *of_group = level.data(), *mean_of_group = mean.data();
    dots(sizes, queries, chunk, count,
         [=](int g, int t, Vector sum) INLINE { weight[g * CHUNK + t] = Exact::exp(sum - of_group[g]); });
    dots(sizes, slope, chunk, count, [=](int g, int t, Vector sum) INLINE {
      to[g * CHUNK + t] = weight[g * CHUNK + t] * (sum - mean_of_group[g]);
    });
    gather(sizes, slopes, chunk, count, back_queries);
    if (back_tokens) {
      give_back(sizes, slopes, queries, count, back_tokens + first, sizes.tokens);
      give_back(sizes, weights, slope, count, back_tokens + first, sizes.tokens);
    }
  }
}

}  // namespace

extern "C" {
// queries (latents, features), tokens (samples, tokens, features) -> gathered (samples, latents, features), levels
// (samples, latents): the logarithm of the sum of exponentials.
void attend(const Sizes* sizes, int samples, const float* queries, const float* tokens, float* gathered,
            float* levels) {
  const Vectors in = in_lanes(*sizes, queries, sizes->features, sizes->stride());
  const long of_tokens = long(sizes->tokens) * sizes->features, of_latents = long(sizes->latents) * sizes->features;
  for (int s = 0; s < samples; s++)
    attend(*sizes, in, tokens + s * of_tokens, gathered + s * of_latents, levels + s * sizes->latents);
}

// Adds to back_queries, and to back_tokens (samples, features, tokens) where it is not null.
void attend_back(const Sizes* sizes, int samples, const float* queries, const float* tokens, const float* gathered,
                 const float* levels, const float* back_gathered, float* back_queries, float* back_tokens) {
  const int stride = sizes->stride();
  const Vectors in = in_lanes(*sizes, queries, sizes->features, stride);
  Vectors sums(sizes->groups() * stride);
  const long of_tokens = long(sizes->tokens) * sizes->features, of_latents = long(sizes->latents) * sizes->features;
  for (int s = 0; s < samples; s++)
    back(*sizes, in, tokens + s * of_tokens, gathered + s * of_latents, levels + s * sizes->latents,
         back_gathered + s * of_latents, sums, back_tokens ? back_tokens + s * of_tokens : nullptr);
  add(*sizes, sums, sizes->features, stride, back_queries);
}
}
