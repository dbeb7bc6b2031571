// The Spatial-Module's forward pass behind its pixel embedding.
#include "network.h"

using namespace painlit;

static void embed(const Network& network, const float* pixels, float* embedding) {
  const int outer = network.sizes.outer;
  Vectors x(network.inside * network.size), y(network.groups * outer);
  Space space = network.space();
  auto give = [&](const Gift& gift) {
    for (int g = 0; g < network.inside; g++)
      network.give(gift, g, &x[g * network.size], y.data(), space.normed.data(), space.made.data());
  };
  network.start(pixels, x.data(), y.data());
  give(network.first);
  for (const Block& block : network.blocks) {
    for (int g = 0; g < network.inside; g++) {
      block.inner.attend(&x[g * network.size], network.sizes.pixels, space, network.gather_inner(space.weights.data()));
      block.inner.mlp(&x[g * network.size], network.sizes.pixels, space);
    }
    give(block.gift);
    block.outer.attend(y.data(), network.groups, space, network.gather_outer(space.weights.data()));
    block.outer.mlp(y.data(), network.groups, space);
  }
  network.last(1, &y[(network.groups - 1) * outer], space.made.data());
  for (int i = 0; i < outer; i++) embedding[i] = space.made[i][network.kept];
}

extern "C" {
void* network(const Sizes* sizes, const float* const* weights) { return new Network(*sizes, {weights, false}); }
void release(const void* network) { delete static_cast<const Network*>(network); }

// pixels (images · patches, pixels, inner) -> embeddings (images, outer)
void embed(const void* given, int images, const float* pixels, float* embeddings) {
  const Network& network = *static_cast<const Network*>(given);
  for (int i = 0; i < images; i++)
    embed(network, pixels + long(i) * network.sizes.patches * network.size, embeddings + i * network.sizes.outer);
}
}
