// The Spatial-Module's forward pass.
#include <memory>

#include "network.h"

using namespace painlit;

namespace {

// The pixel embedding: a convolution of each patch, with zeros about it.
struct PixelEmbedding {
  const Sizes& sizes;
  Panels<Fp32> weight;
  const float *bias, *position;

  PixelEmbedding(const Sizes& sizes, Weights& weights) : sizes(sizes), weight(sizes.seen(), sizes.inner) {
    const float* from = weights.next();
    for (int o = 0; o < sizes.inner; o++)
      for (int i = 0; i < sizes.seen(); i++) weight.at(o, i) = *from++;
    bias = weights.next();
    position = weights.next();
  }

  // The inner stream's start for a group of patches, from an image (3, side, side). `patches` is room for their
  // colours, with zeros about them, and `seen` for what the convolution reads of them.
  void operator()(const float* image, int group, Vector* x, Vector* patches, Vector* seen) const {
    const int size = sizes.patch_size, wide = sizes.wide(), border = sizes.padding;
    const int across = std::lround(std::sqrt(sizes.patches)), side = across * size;
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < size; i++) {  // a row of all patches, which the cache holds, before the next
        Vector* row = patches + (c * wide + i + border) * wide + border;
        for (int lane = 0; lane < LANES && group * LANES + lane < sizes.patches; lane++) {
          const int patch = group * LANES + lane;
          const float* from = image + ((c * across + patch / across) * size + i) * side + patch % across * size;
          for (int j = 0; j < size; j++) row[j][lane] = from[j];
        }
      }
    const int pixels = sizes.pixels, of_row = std::lround(std::sqrt(pixels)), n = sizes.inner;
    Vector* to = seen;
    for (int pixel = 0; pixel < pixels; pixel++) {
      const int top = pixel / of_row * sizes.stride, left = pixel % of_row * sizes.stride;
      for (int c = 0; c < 3; c++)
        for (int u = 0; u < sizes.kernel; u++, to += sizes.kernel)
          std::copy_n(patches + (c * wide + top + u) * wide + left, sizes.kernel, to);
    }
    product(pixels, n, sizes.seen(), {seen, sizes.seen()}, weight.read(),
            each([=](int pixel, int o, Vector sum)
                     INLINE { x[pixel * n + o] = sum + bias[o] + position[o * pixels + pixel]; }));
  }
};

// What a thread embeds in.
struct Room {
  Sizes sizes;
  Vectors x, y, patches, seen;
  Space space;
  explicit Room(const Network& network)
      : sizes(network.sizes), x(network.inside * network.size), y(network.groups * sizes.outer),
        patches(3 * sizes.wide() * sizes.wide()), seen(sizes.pixels * sizes.seen()), space(network.space()) {}
};

struct Spatial {
  Sizes sizes;
  PixelEmbedding pixels;
  Network network;
  Spatial(const Sizes& given, Weights weights) : sizes(given), pixels(sizes, weights), network(sizes, weights) {}

  void embed(const float* image, float* embedding) const {
    static thread_local std::unique_ptr<Room> kept;  // or each image would have its memory cleared by the system
    if (!kept || std::memcmp(&kept->sizes, &sizes, sizeof sizes) != 0) kept = std::make_unique<Room>(network);
    Vectors &x = kept->x, &y = kept->y;
    Space& space = kept->space;
    const int outer = sizes.outer;
    std::fill(y.begin(), y.end(), Vector{});  // lanes of no token, which may be no numbers of an image before
    auto give = [&](const Gift& gift) {
      for (int g = 0; g < network.inside; g++)
        network.give(gift, g, &x[g * network.size], y.data(), space.made.data(), space);
    };
    for (int g = 0; g < network.inside; g++)
      pixels(image, g, &x[g * network.size], kept->patches.data(), kept->seen.data());
    network.start(y.data());
    give(network.first);
    for (const Block& block : network.blocks) {
      for (int g = 0; g < network.inside; g++) {
        block.inner.attend(&x[g * network.size], sizes.pixels, space, network.gather_inner(space));
        block.inner.mlp(&x[g * network.size], sizes.pixels, space);
      }
      give(block.gift);
      block.outer.attend(y.data(), network.groups, space, network.gather_outer(space));
      block.outer.mlp(y.data(), network.groups, space);
    }
    network.last(1, &y[(network.groups - 1) * outer], space.made.data());
    for (int i = 0; i < outer; i++) embedding[i] = space.made[i][network.kept];
  }
};

}  // namespace

extern "C" {
void* network(const Sizes* sizes, const float* const* weights) { return new Spatial(*sizes, {weights, false}); }
void release(const void* network) { delete static_cast<const Spatial*>(network); }

// images (n, 3, side, side) -> embeddings (n, outer)
void embed(const void* network, int count, const float* images, float* embeddings) {
  const Spatial& spatial = *static_cast<const Spatial*>(network);
  const Sizes& sizes = spatial.sizes;
  for (int i = 0; i < count; i++)
    spatial.embed(images + 3l * i * sizes.patches * sizes.patch_size * sizes.patch_size, embeddings + i * sizes.outer);
}
}
