// Transformer in Transformer (timm's TNT), an image at a time.
//
// A vector holds one feature of eight patches. So every step is written as if for one patch, whatever the sizes, and
// what a step hands to the next stays in the processor's cache. Weights are numbers that meet vectors, read in the order
// in which they are needed. The outer stream has its class token last instead of first, which attention does not see:
// so its patches lie in the same vectors as the inner stream's.
#pragma once

#include "layers.h"

namespace painlit {

struct Sizes {
  int patches, pixels, inner, inner_heads, inner_hidden, outer, outer_heads, outer_hidden, depth;
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
    return {Vectors(most), Vectors(std::max({3 * most, ROWS * sizes.inner_hidden, ROWS * sizes.outer_hidden})),
            Vectors(most), Vectors(std::max(sizes.pixels * sizes.pixels, ROWS * (sizes.patches + 1)))};
  }

  // Pixels (patches, pixels, inner) to the inner stream x, and the outer stream y before it is given anything.
  void start(const float* pixels, Vector* x, Vector* y) const {
    const int patches = sizes.patches, width = sizes.outer;
    for (int p = 0; p < patches; p++)
      for (int i = 0; i < size; i++) x[p / LANES * size + i][p % LANES] = *pixels++;
    for (int p = 0; p <= patches; p++)
      for (int i = 0; i < width; i++)
        y[p / LANES * width + i][p % LANES] = p < patches ? position[(p + 1) * width + i] : token[i] + position[i];
  }

  // Add to the outer stream what a group gives; `given` is the product before its norm.
  void give(const Gift& gift, int group, const Vector* x, Vector* y, Vector* normed, Vector* given) const {
    Vector* to = y + group * sizes.outer;
    gift.before(1, x, normed);
    gift.linear(1, normed, [=](int, int c, Vector sum) INLINE { given[c] = sum; });
    gift.after(1, given, normed);
    keep(group, normed);
    for (int i = 0; i < sizes.outer; i++) to[i] += normed[i];
  }

  // Set to zero what is of no patch.
  void keep(int group, Vector* values) const {
    if (group < sizes.patches / LANES) return;
    for (int i = 0; i < sizes.outer; i++)
      for (int lane = kept; lane < LANES; lane++) values[i][lane] = 0;
  }

  // Attention of eight patches, each with its own keys and values.
  auto gather_inner(Vector* weights) const {
    const int n = sizes.inner, pixels = sizes.pixels, width = n / sizes.inner_heads;
    return [=](const Vector* query, const Vector* key, const Vector* value, Vector* result) INLINE {
      auto at = [=](const Vector* x) { return [=](int token, int i) INLINE { return x[token * 3 * n + i]; }; };
      attention_weights(pixels, pixels, width, {query, 3 * n}, at(key), weights);
      weighted(pixels, pixels, width, weights, at(value), result, n);
    };
  }

  // Attention of all tokens, whose keys and values are those of an image.
  auto gather_outer(Vector* weights) const {
    const int n = sizes.outer, tokens = sizes.patches + 1, width = n / sizes.outer_heads, count = groups;
    return [=](const Vector* query, const Vector* key, const Vector* value, Vector* result) INLINE {
      for (int g = 0; g < count; g += ROWS) {
        const int rows = std::min(ROWS, count - g);
        attention_weights(rows, tokens, width, {query + g * 3 * n, 3 * n}, of_tokens(key, n), weights);
        weighted(rows, tokens, width, weights, of_tokens(value, n), result + g * n, n);
      }
    };
  }
};

}  // namespace painlit
