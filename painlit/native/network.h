// Transformer in Transformer (timm's TNT).
//
// A vector holds one feature of eight or sixteen patches. So every step is written as if for one patch, whatever the
// sizes, and what a step hands to the next stays in the processor's cache. Weights are numbers that meet vectors, read
// in the order in which they are needed. The outer stream has its class token last instead of first, which attention
// does not see: so its patches lie in the same vectors as the inner stream's.
#pragma once

#include "layers.h"

namespace painlit {

struct Sizes {
  int patches, pixels, inner, inner_heads, inner_hidden, outer, outer_heads, outer_hidden, depth;
  int patch_size, kernel, stride, padding;  // in px: of patches, and of the convolution that makes pixels of them
  int wide() const { return patch_size + 2 * padding; }
  int seen() const { return 3 * kernel * kernel; }
  int across() const { return std::lround(std::sqrt(patches)); }
  int side() const { return across() * patch_size; }
  long numbers() const { return 3l * side() * side(); }
  // Where a patch begins in a plane.
  int corner(int patch) const { return (patch / across() * side() + patch % across()) * patch_size; }
};

struct Block {
  Layer inner;
  Gift gift;
  Layer outer;
  Block(Weights& weights, const Sizes& sizes)
      : inner(weights, sizes.inner, sizes.inner_heads, sizes.inner_hidden),
        gift(weights, sizes.pixels * sizes.inner, sizes.outer, false),
        outer(weights, sizes.outer, sizes.outer_heads, sizes.outer_hidden) {}
};

struct Network {
  Sizes sizes;
  int size, inside, groups, kept;  // of a patch's pixels; groups of patches, of tokens; patches beside the class token
  Gift first;
  int number;  // of the token's tensor
  const float *token, *position;
  Norm last;
  std::vector<Block> blocks;

  Network(const Sizes& sizes, Weights weights)
      : sizes(sizes), size(sizes.pixels * sizes.inner), inside((sizes.patches + LANES - 1) / LANES),
        groups(sizes.patches / LANES + 1), kept(sizes.patches % LANES), first(weights, size, sizes.outer, true),
        number(weights.read), token(weights.next()), position(weights.next()), last(weights, sizes.outer) {
    for (int i = 0; i < sizes.depth; i++) blocks.emplace_back(weights, sizes);
  }

  Space space() const {
    const int most = std::max(size, groups * sizes.outer);
    const int wide =
        std::max({3 * most, sizes.pixels * sizes.seen(), ROWS * sizes.inner_hidden, ROWS * sizes.outer_hidden});
    const int pairs = std::max(sizes.pixels * sizes.pixels, ROWS * (sizes.patches + 1));
    const int rows = std::max({ROWS, sizes.pixels, groups});
    std::vector<Bits> rounded(std::max(wide, pairs)), of_head(most);
    return {Vectors(most), Vectors(wide), Vectors(most), Vectors(pairs), Vectors(rows),
            rounded,       of_head,       of_head,       of_head};
  }

  // The outer stream before it is given anything.
  void start(Vector* y) const {
    const int patches = sizes.patches, width = sizes.outer;
    for (int p = 0; p <= patches; p++)
      for (int i = 0; i < width; i++)
        y[p / LANES * width + i][p % LANES] = p < patches ? position[(p + 1) * width + i] : token[i] + position[i];
  }

  // What a group gives to the outer stream; `given` is the product before its norm.
  Vector* gift_of(const Gift& gift, const Vector* x, Vector* given, Space& space) const {
    Vector* normed = space.normed.data();
    gift.before(1, x, normed);
    gift.linear(1, normed, space, [=](int, int c, Vector sum) INLINE { given[c] = sum; });
    gift.after(1, given, normed);
    return normed;
  }
  void give(const Gift& gift, int group, const Vector* x, Vector* y, Vector* given, Space& space) const {
    Vector *to = y + group * sizes.outer, *made = gift_of(gift, x, given, space);
    keep(group, made);
    for (int i = 0; i < sizes.outer; i++) to[i] += made[i];
  }

  // Set to zero what is of no patch.
  void keep(int group, Vector* values) const {
    if (group < sizes.patches / LANES) return;
    for (int i = 0; i < sizes.outer; i++)
      for (int lane = kept; lane < LANES; lane++) values[i][lane] = 0;
  }

  // Attention of the patches in a vector, each with its own keys and values.
  auto gather_inner(Space& space) const {
    const int n = sizes.inner, pixels = sizes.pixels, width = n / sizes.inner_heads;
    return [=, &space](const Vector* query, const Vector* key, const Vector* value, Vector* result) INLINE {
      const auto queries = Attention::rounded(pixels, width, {query, 3 * n}, space.queries.data());
      const auto keys = Attention::rounded(pixels, width, {key, 3 * n}, space.keys.data());
      const auto values = Attention::rounded(width, pixels, {value, 1, 3 * n}, space.values.data());
      Vector *weights = space.weights.data(), *factors = space.factors.data();
      attention_weights(
          pixels, pixels, width, queries,
          [=](int token, int k) INLINE { return keys.at[token * keys.stride + k * keys.step]; }, weights, factors);
      weighted(
          pixels, pixels, width, weights, factors,
          [=](int k, int i) INLINE { return values.at[i * values.stride + k * values.step]; }, result, n,
          space.rounded.data());
    };
  }

  // Attention of all tokens, whose keys and values are those of an image.
  auto gather_outer(Space& space) const {
    using Number = Attention::Number;
    const int n = sizes.outer, tokens = sizes.patches + 1, width = n / sizes.outer_heads, count = groups;
    return [=, &space](const Vector* query, const Vector* key, const Vector* value, Vector* result) INLINE {
      const auto queries = Attention::rounded(count, width, {query, 3 * n}, space.queries.data());
      const auto keys = of_tokens<Number>(Attention::rounded(count, width, {key, 3 * n}, space.keys.data()));
      const auto values =
          of_tokens<Number>(Attention::rounded_lanes(count, width, {value, 3 * n}, space.values.data()));
      Vector *weights = space.weights.data(), *factors = space.factors.data();
      for (int g = 0; g < count; g += ROWS) {
        const int rows = std::min(ROWS, count - g);
        attention_weights(rows, tokens, width, {queries.at + g * queries.stride, queries.stride}, keys, weights,
                          factors);
        weighted(
            rows, tokens, width, weights, factors, [=](int k, int i) INLINE { return values(k * Attention::STEP, i); },
            result + g * n, n, space.rounded.data());
      }
    };
  }
};

}  // namespace painlit
