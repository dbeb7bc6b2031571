// Training of what a Perceiver's latents exchange after they have read: feed-forwards and self-attentions in turn, and
// the mean over latents.
#include "perceiver.h"

using namespace painlit;

namespace {

// Where a sample's values are kept, a block after the other.
struct Tape {
  const Sizes& sizes;
  Vector* at;
  long of_block() const { return 2 * sizes.of_latents() + sizes.of_gathered(); }
  long length() const { return of_block() * sizes.blocks + sizes.of_latents(); }

  // What a block's feed-forward was given, and its attention, and what the latter gathered.
  Vector* x(int block) const { return at + of_block() * block; }
  Vector* x_between(int block) const { return x(block) + sizes.of_latents(); }
  Vector* gathered(int block) const { return x_between(block) + sizes.of_latents(); }
};

struct Blocks {
  std::vector<FeedForward> feed_forwards;
  std::vector<SelfAttention> attentions;
  Blocks(const Sizes& s, Weights weights) {
    for (int b = 0; b < s.blocks; b++) {
      feed_forwards.emplace_back(weights, s);
      attentions.emplace_back(weights, s);
    }
    feed_forwards.emplace_back(weights, s);
  }
};

void forward(const Sizes& s, const Blocks& blocks, const Tape& tape, Vector* made, Work& work) {
  const int n = s.of_latents(), rows = s.latents;
  for (int b = 0; b < s.blocks; b++) {
    Vector *x = tape.x(b), *between = tape.x_between(b), *next = tape.x(b + 1);
    std::copy_n(x, n, between);
    blocks.feed_forwards[b](rows, x, between, work);
    std::copy_n(between, n, next);
    blocks.attentions[b](between, tape.gathered(b), next, work);
  }
  const FeedForward& last = blocks.feed_forwards.back();
  const Vector* x = tape.x(s.blocks);
  Vectors sum(last.hidden);
  last.summed_gates(rows, x, sum.data(), work);
  for (Vector& value : sum) value /= float(rows);
  for (int i = 0; i < s.vectors(); i++)
    made[i] = summed(rows, [=, n = s.vectors()](int r) INLINE { return x[r * n + i]; }) / float(rows);
  last.down(1, sum.data(), [=](int, int i, Vector y) INLINE { made[i] += y; });
}

// `g` becomes the gradient of what the first layer was given, from that of the mean.
void back(const Sizes& s, const Blocks& blocks, const Tape& tape, const Vector* back_mean, Vector* g, Work& work) {
  const int rows = s.latents;
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < s.vectors(); i++) g[r * s.vectors() + i] = back_mean[i] / float(rows);
  blocks.feed_forwards.back().back_of_mean(rows, tape.x(s.blocks), back_mean, g, work);
  for (int b = s.blocks - 1; b >= 0; b--) {
    blocks.attentions[b].back(tape.x_between(b), tape.gathered(b), g, work);
    blocks.feed_forwards[b].back(rows, tape.x(b), g, work);
  }
}

}  // namespace

extern "C" {
// Vectors that are kept of a sample, as numbers.
long tape(const Sizes* sizes) { return LANES * Tape{*sizes, nullptr}.length(); }

// latents (samples, latents, width) -> made (samples, width)
void exchange(const Sizes* sizes, int samples, const Vector* const* weights, const Vector* const* transposed,
              const Vector* latents, Vector* tapes, Vector* made) {
  const Blocks blocks(*sizes, {weights, transposed, nullptr});
  Work work(*sizes, false);
  for (int i = 0; i < samples; i++) {
    const Tape tape{*sizes, tapes + i * Tape{*sizes, nullptr}.length()};
    std::copy_n(latents + long(i) * sizes->of_latents(), sizes->of_latents(), tape.x(0));
    forward(*sizes, blocks, tape, made + i * sizes->vectors(), work);
  }
}

// back_latents (samples, latents, width); adds to gradients of weights
void exchange_back(const Sizes* sizes, int samples, const Vector* const* weights, const Vector* const* transposed,
                   Vector* tapes, const Vector* back_made, Vector* back_latents, Vector* const* gradients) {
  const Blocks blocks(*sizes, {weights, transposed, gradients});
  Work work(*sizes, true);
  for (int i = 0; i < samples; i++)
    back(*sizes, blocks, {*sizes, tapes + i * Tape{*sizes, nullptr}.length()}, back_made + i * sizes->vectors(),
         back_latents + long(i) * sizes->of_latents(), work);
}
}
