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

  // The inner stream's start for a group of `count` patches, from their upper left corners in images (3, side, side).
  // `patches` is room for their colours, with zeros about them, and `seen` for what the convolution reads of them.
  void operator()(const float* const* corners, int count, Vector* x, Vector* patches, Vector* seen) const {
    const int size = sizes.patch_size, wide = sizes.wide(), border = sizes.padding, side = sizes.side();
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < size; i++) {  // a row of all patches, which the cache holds, before the next
        Vector* row = patches + (c * wide + i + border) * wide + border;
        for (int lane = 0; lane < count; lane++) {
          const float* from = corners[lane] + (c * side + i) * side;
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

// Images that are embedded side by side, whose last patches, fewer than a vector has lanes, share a group: of 196
// patches in 16 lanes the 4 last of 4 images. In the outer stream each image has groups of its own.
struct Together {
  int images, whole, left, groups;  // most images; of each, whole groups and patches that are left; groups of all
  explicit Together(const Sizes& sizes)
      : images(sizes.patches % LANES ? LANES / (sizes.patches % LANES) : 1), whole(sizes.patches / LANES),
        left(sizes.patches % LANES), groups(images * whole + (left > 0)) {}
};

// What a thread embeds in.
struct Room {
  Sizes sizes;
  Vectors x, y, patches, seen;
  Space space;
  Room(const Network& network, const Together& together)
      : sizes(network.sizes), x(together.groups * network.size), y(together.images * network.groups * sizes.outer),
        patches(3 * sizes.wide() * sizes.wide()), seen(sizes.pixels * sizes.seen()), space(network.space()) {}
};

struct Spatial {
  Sizes sizes;
  PixelEmbedding pixels;
  Network network;
  Together together;
  Spatial(const Sizes& given, Weights weights)
      : sizes(given), pixels(sizes, weights), network(sizes, weights), together(sizes) {}

  // images (count, 3, side, side), no more than go together -> embeddings (count, outer)
  void embed(int count, const float* images, float* embeddings) const {
    static thread_local std::unique_ptr<Room> kept;  // or each image would have its memory cleared by the system
    if (!kept || std::memcmp(&kept->sizes, &sizes, sizeof sizes) != 0) kept = std::make_unique<Room>(network, together);
    Vectors &x = kept->x, &y = kept->y;
    Space& space = kept->space;
    const int outer = sizes.outer, whole = together.whole, left = together.left, of_image = network.groups * outer;
    std::fill(y.begin(), y.end(), Vector{});  // lanes of no token, which may be no numbers of an image before
    // done(x, image, number of its group), and shared(x) of the group that all share
    auto each_group = [&](auto done, auto shared) {
      for (int g = 0; g < count * whole; g++) done(&x[g * network.size], g / whole, g % whole);
      if (left) shared(&x[count * whole * network.size]);
    };
    auto give = [&](const Gift& gift) {
      each_group([&](Vector* of_group, int image,
                     int g) { network.give(gift, g, of_group, &y[image * of_image], space.made.data(), space); },
                 [&](Vector* of_group) {
                   const Vector* made = network.gift_of(gift, of_group, space.made.data(), space);
                   for (int image = 0; image < count; image++)
                     for (int i = 0; i < outer; i++)
                       for (int lane = 0; lane < left; lane++)
                         y[image * of_image + whole * outer + i][lane] += made[i][image * left + lane];
                 });
    };
    const auto corner = [&](int image, int patch) { return images + image * sizes.numbers() + sizes.corner(patch); };
    const float* corners[LANES];
    each_group(
        [&](Vector* of_group, int image, int g) {
          for (int lane = 0; lane < LANES; lane++) corners[lane] = corner(image, g * LANES + lane);
          pixels(corners, LANES, of_group, kept->patches.data(), kept->seen.data());
        },
        [&](Vector* of_group) {
          for (int lane = 0; lane < count * left; lane++)
            corners[lane] = corner(lane / left, whole * LANES + lane % left);
          pixels(corners, count * left, of_group, kept->patches.data(), kept->seen.data());
        });
    for (int image = 0; image < count; image++) network.start(&y[image * of_image]);
    give(network.first);
    for (const Block& block : network.blocks) {
      const auto inner = [&](Vector* of_group, auto...) {
        block.inner.attend(of_group, sizes.pixels, space, network.gather_inner(space));
        block.inner.mlp(of_group, sizes.pixels, space);
      };
      each_group(inner, inner);
      give(block.gift);
      for (int image = 0; image < count; image++) {
        block.outer.attend(&y[image * of_image], network.groups, space, network.gather_outer(space));
        block.outer.mlp(&y[image * of_image], network.groups, space);
      }
    }
    for (int image = 0; image < count; image++) {
      network.last(1, &y[image * of_image + (network.groups - 1) * outer], space.made.data());
      for (int i = 0; i < outer; i++) *embeddings++ = space.made[i][network.kept];
    }
  }
};

}  // namespace

extern "C" {
void* network(const Sizes* sizes, const float* const* weights) { return new Spatial(*sizes, {weights, false}); }
void release(const void* network) { delete static_cast<const Spatial*>(network); }

// How many images are best embedded in one call.
int together(const void* network) { return static_cast<const Spatial*>(network)->together.images; }

// images (n, 3, side, side) -> embeddings (n, outer)
void embed(const void* network, int count, const float* images, float* embeddings) {
  const Spatial& spatial = *static_cast<const Spatial*>(network);
  const int most = spatial.together.images;
  for (int i = 0; i < count; i += most)
    spatial.embed(std::min(most, count - i), images + i * spatial.sizes.numbers(),
                  embeddings + i * spatial.sizes.outer);
}
}
