// Training of the Spatial-Module behind its pixel embedding: a forward pass that keeps what each layer was given, and a
// backward pass that computes the rest of a layer again, while it is in the processor's cache.
#include "backward.h"
#include "network.h"

using namespace painlit;

namespace {

// Where one image's values are kept.
struct Tape {
  const Network& network;
  Vector* at;
  long inner() const { return long(network.inside) * network.size; }
  long outer() const { return long(network.groups) * network.sizes.outer; }
  long gift() const { return long(network.inside) * network.sizes.outer; }
  long of_block() const { return 2 * inner() + 2 * outer() + gift(); }
  long length() const { return of_block() * network.sizes.depth + inner() + outer() + gift(); }

  // What a block's inner layer, its feed-forward, the gift before it, the outer layer and its feed-forward were given.
  Vector* x(int block) const { return at + of_block() * block; }
  Vector* y(int block) const { return x(block) + inner(); }
  Vector* given(int block) const { return y(block) + outer(); }
  Vector* x_between(int block) const { return given(block) + gift(); }
  Vector* y_between(int block) const { return x_between(block) + inner(); }
};

struct Work : Space {
  Vectors back_normed, back_made, back_gathered, back_weights, hidden, back_hidden, slope, sums;
  explicit Work(const Network& network) : Space(network.space()) {
    const Sizes& s = network.sizes;
    const long inner = long(network.inside) * network.size, outer = long(network.groups) * s.outer;
    const long most = std::max(inner, outer), wide = STRIP * std::max(s.inner_hidden, s.outer_hidden);
    const long pairs = std::max<long>(s.pixels * s.pixels, long(network.groups) * (s.patches + 1));
    for (Vectors* vectors : {&normed, &back_normed, &gathered, &back_gathered}) vectors->resize(most);
    for (Vectors* vectors : {&made, &back_made}) vectors->resize(std::max<long>(3 * network.size, 3 * outer));
    for (Vectors* vectors : {&weights, &back_weights}) vectors->resize(pairs);
    for (Vectors* vectors : {&hidden, &back_hidden, &slope}) vectors->resize(wide);
  }
};

// Turns `g`, the gradient of what a layer made, into that of what it was given. `attend(query, key, value, gathered,
// back, back_query, back_key, back_value)` does a head.
template <class Attend>
INLINE inline void back(const Layer& layer, int rows, const Vector* x, const Vector* x_between, Vector* g,
                        Gradients gradients, Work& work, Attend attend) {
  const int n = layer.width, m = layer.up.out;
  Vector *normed = work.normed.data(), *back_normed = work.back_normed.data();
  for (int first = 0; first < rows; first += STRIP) {
    const int count = std::min(STRIP, rows - first);
    const Vector* part = x_between + first * n;
    Vector *back_part = g + first * n, *slope = work.slope.data(), *hidden = work.hidden.data();
    Vector* back_hidden = work.back_hidden.data();
    layer.before_mlp(count, part, normed);
    layer.up(count, normed, work, [=](int r, int c, Vector y) INLINE {
      const Vector share = Exact::normal(y);
      hidden[r * m + c] = y * share;
      slope[r * m + c] = share + y * 0.39894228f * Exact::exp(-0.5f * y * y);  // of GELU
    });
    learn(layer.down, count, hidden, back_part, gradients);
    back(layer.down, count, back_part,
         [=](int r, int c, Vector y) INLINE { back_hidden[r * m + c] = y * slope[r * m + c]; });
    learn(layer.up, count, normed, back_hidden, gradients);
    back(layer.up, count, back_hidden, [=](int r, int c, Vector y) INLINE { back_normed[r * n + c] = y; });
    back(layer.before_mlp, count, part, back_normed, back_part, gradients, work.sums);
  }
  Vector *made = work.made.data(), *back_made = work.back_made.data();
  Vector *gathered = work.gathered.data(), *back_gathered = work.back_gathered.data();
  layer.before_attention(rows, x, normed);
  layer.attention(rows, normed, work, [=](int r, int c, Vector y) INLINE { made[r * 3 * n + c] = y; });
  back(layer.after_attention, rows, g, [=](int r, int c, Vector y) INLINE { back_gathered[r * n + c] = y; });
  std::fill(back_made, back_made + rows * 3 * n, Vector{});  // of lanes without a token
  for (int h = 0; h < layer.heads; h++) {
    const int at = n / layer.heads * h;
    attend(made + at, made + at + n, made + at + 2 * n, gathered + at, back_gathered + at, back_made + at,
           back_made + at + n, back_made + at + 2 * n);
  }
  learn(layer.after_attention, rows, gathered, g, gradients);
  learn(layer.attention, rows, normed, back_made, gradients);
  back(layer.attention, rows, back_made, [=](int r, int c, Vector y) INLINE { back_normed[r * n + c] = y; });
  back(layer.before_attention, rows, x, back_normed, g, gradients, work.sums);
}

// Adds to `g_x` the gradient of the inner stream x, from `g_y`, that of the outer one.
void back(const Network& network, const Gift& gift, const Vector* given, const Vector* x, const Vector* g_y,
          Vector* g_x, Gradients gradients, Work& work) {
  const int width = network.sizes.outer, inside = network.inside, size = network.size;
  Vectors back_given(inside * width), part(width);
  for (int g = 0; g < inside; g++) {
    std::copy_n(g_y + g * width, width, part.begin());
    network.keep(g, part.data());
    back(gift.after, 1, given + g * width, part.data(), &back_given[g * width], gradients, work.sums);
  }
  Vector *normed = work.normed.data(), *back_normed = work.back_normed.data();
  gift.before(inside, x, normed);
  learn(gift.linear, inside, normed, back_given.data(), gradients);
  back(gift.linear, inside, back_given.data(), [=](int r, int c, Vector y) INLINE { back_normed[r * size + c] = y; });
  back(gift.before, inside, x, back_normed, g_x, gradients, work.sums);
}

void back(const Network& network, const Tape& tape, const float* back_embedding, float* back_pixels,
          Gradients gradients, Work& work) {
  const Sizes& s = network.sizes;
  const int depth = s.depth, last = (network.groups - 1) * s.outer;
  Vectors g_x(tape.inner()), g_y(tape.outer()), g_last(s.outer);
  for (int i = 0; i < s.outer; i++) g_last[i][network.kept] = back_embedding[i];
  back(network.last, 1, tape.y(depth) + last, g_last.data(), &g_y[last], gradients, work.sums);

  const int n = s.inner, outer = s.outer, pixels = s.pixels, tokens = s.patches + 1, groups = network.groups;
  auto inner_head = [&](const Vector* query, const Vector* key, const Vector* value, Vector* gathered,
                        const Vector* back, Vector* back_query, Vector* back_key, Vector* back_value) INLINE {
    auto of = [n](const Vector* x) { return [=](int token, int i) INLINE { return x[token * 3 * n + i]; }; };
    auto to = [n](Vector* x) { return each([=](int token, int i, Vector sum) INLINE { x[token * 3 * n + i] = sum; }); };
    attention_back(pixels, pixels, n / s.inner_heads, n, query, of(key), of(value), gathered, back, back_query,
                   to(back_key), to(back_value), work.weights.data(), work.back_weights.data(), work.factors.data());
  };
  auto outer_head = [&](const Vector* query, const Vector* key, const Vector* value, Vector* gathered,
                        const Vector* back, Vector* back_query, Vector* back_key, Vector* back_value) INLINE {
    attention_back(groups, tokens, outer / s.outer_heads, outer, query, of_tokens(Rows<>{key, 3 * outer}),
                   of_tokens(Rows<>{value, 3 * outer}), gathered, back, back_query, to_tokens(back_key, outer),
                   to_tokens(back_value, outer), work.weights.data(), work.back_weights.data(), work.factors.data());
  };
  for (int b = depth - 1; b >= 0; b--) {
    const Block& block = network.blocks[b];
    back(block.outer, groups, tape.y(b), tape.y_between(b), g_y.data(), gradients, work, outer_head);
    back(network, block.gift, tape.given(b), tape.x(b + 1), g_y.data(), g_x.data(), gradients, work);
    for (int g = 0; g < network.inside; g++) {
      const long at = long(g) * network.size;
      back(block.inner, pixels, tape.x(b) + at, tape.x_between(b) + at, &g_x[at], gradients, work, inner_head);
    }
  }
  back(network, network.first, tape.given(depth), tape.x(0), g_y.data(), g_x.data(), gradients, work);

  float *token = gradients[network.number], *position = gradients[network.number + 1];
  for (int p = 0; p < tokens; p++)
    for (int i = 0; i < outer; i++) {
      const float slope = g_y[p / LANES * outer + i][p % LANES];
      position[(p < s.patches ? p + 1 : 0) * outer + i] += slope;
      if (p == s.patches) token[i] += slope;
    }
  for (int p = 0; p < s.patches; p++)
    for (int i = 0; i < network.size; i++) *back_pixels++ = g_x[p / LANES * network.size + i][p % LANES];
}

void forward(const Network& network, const float* pixels, const Tape& tape, float* embedding, Space& space) {
  const Sizes& s = network.sizes;
  const int size = network.size, depth = s.depth, outer = s.outer;
  auto give = [&](const Gift& gift, const Vector* x, Vector* y, Vector* given) {
    for (int g = 0; g < network.inside; g++) network.give(gift, g, x + g * size, y, given + g * outer, space);
  };
  std::fill(tape.x(0), tape.y(0) + tape.outer(), Vector{});  // lanes without a patch
  for (int p = 0; p < s.patches; p++)
    for (int i = 0; i < size; i++) tape.x(0)[p / LANES * size + i][p % LANES] = *pixels++;
  network.start(tape.y(0));
  give(network.first, tape.x(0), tape.y(0), tape.given(depth));
  for (int b = 0; b < depth; b++) {
    const Block& block = network.blocks[b];
    for (int g = 0; g < network.inside; g++) {
      const long at = long(g) * size;
      Vector *between = tape.x_between(b) + at, *made = tape.x(b + 1) + at;
      std::copy_n(tape.x(b) + at, size, between);
      block.inner.attend(between, s.pixels, space, network.gather_inner(space));
      std::copy_n(between, size, made);
      block.inner.mlp(made, s.pixels, space);
    }
    give(block.gift, tape.x(b + 1), tape.y(b), tape.given(b));
    std::copy_n(tape.y(b), tape.outer(), tape.y_between(b));
    block.outer.attend(tape.y_between(b), network.groups, space, network.gather_outer(space));
    std::copy_n(tape.y_between(b), tape.outer(), tape.y(b + 1));
    block.outer.mlp(tape.y(b + 1), network.groups, space);
  }
  network.last(1, tape.y(depth) + (network.groups - 1) * outer, space.made.data());
  for (int i = 0; i < outer; i++) embedding[i] = space.made[i][network.kept];
}

}  // namespace

extern "C" {
void* network(const Sizes* sizes, const float* const* weights) { return new Network(*sizes, {weights, true}); }
void release(const void* network) { delete static_cast<const Network*>(network); }

// Numbers that are kept of an image.
long tape(const void* network) { return LANES * Tape{*static_cast<const Network*>(network), nullptr}.length(); }

// pixels (images · patches, pixels, inner) -> embeddings (images, outer)
void forward(const void* given, int images, const float* pixels, float* tapes, float* embeddings) {
  const Network& network = *static_cast<const Network*>(given);
  Space space = network.space();
  for (int i = 0; i < images; i++) {
    const Tape tape{network, reinterpret_cast<Vector*>(tapes + i * LANES * Tape{network, nullptr}.length())};
    forward(network, pixels + long(i) * network.sizes.patches * network.size, tape,
            embeddings + i * network.sizes.outer, space);
  }
}

void backward(const void* given, int images, float* tapes, const float* back_embeddings, float* back_pixels,
              float* const* gradients) {
  const Network& network = *static_cast<const Network*>(given);
  Work work(network);
  for (int i = 0; i < images; i++) {
    const Tape tape{network, reinterpret_cast<Vector*>(tapes + i * LANES * Tape{network, nullptr}.length())};
    back(network, tape, back_embeddings + i * network.sizes.outer,
         back_pixels + long(i) * network.sizes.patches * network.size, gradients, work);
  }
}
}
