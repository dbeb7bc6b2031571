// The Spatial-Module's forward pass, for a CPU: Transformer in Transformer (timm's TNT), one image at a time.
//
// A vector holds one feature of eight patches. So every step is written as if for one patch, whatever the sizes, and
// what a step hands to the next stays in the processor's cache. Weights are numbers that meet vectors, read in the order
// in which they are needed. The outer stream has its class token last instead of first, which attention does not see:
// so its patches lie in the same vectors as the inner stream's.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace {

#define INLINE __attribute__((always_inline))
constexpr int LANES = 8;
constexpr int ROWS = 4, COLUMNS = 3;  // of a tile of a product, whose sums fill 12 of 16 registers
constexpr float EPSILON = 1e-5f;      // of timm's norms
typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef int32_t Bits __attribute__((vector_size(4 * LANES)));
using Vectors = std::vector<Vector>;

INLINE inline Vector all(float x) { return Vector{x, x, x, x, x, x, x, x}; }
INLINE inline Vector all(Vector x) { return x; }
INLINE inline Vector larger(Vector x, Vector y) { return x > y ? x : y; }
INLINE inline Vector smaller(Vector x, Vector y) { return x < y ? x : y; }

// exp(x) for x of 0 and less: 2^n and the Taylor polynomial of what is left, off by 2e-7 of it at most.
INLINE inline Vector exponential(Vector x) {
  const float rounding = 12582912.f;  // 1.5 · 2^23: adding it rounds to whole numbers, which are its lowest bits
  x = larger(x, all(-87.f));
  Vector n = x * 1.44269504f + rounding;
  Bits exponent = (Bits)n << 23;
  Vector rest = x - (n - rounding) * 0.693147181f;
  Vector power = all(1.f / 5040);
  for (float factor : {1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2, 1.f, 1.f}) power = power * rest + factor;
  return (Vector)((Bits)power + exponent);
}

// x Φ(x), where Φ(x) - 1/2 is x P(x²) / Q(x²) up to 5.3 (fitted for the least largest error of x Φ(x), 3e-8; rounding
// makes it 1.1e-6) and constant beyond.
INLINE inline Vector gelu(Vector x) {
  Vector y = larger(smaller(x, all(5.3f)), all(-5.3f)), square = y * y;
  Vector over = all(1.18100941e-10f), under = all(6.47689349e-05f);
  for (float factor : {-2.30770422e-08f, 3.37236762e-06f, 1.75552916e-04f, 4.53286295e-03f, 3.62604637e-02f,
                       3.98941809e-01f})
    over = over * square + factor;
  for (float factor : {1.85436145e-03f, 2.92952841e-02f, 2.57553050e-01f, 1.f}) under = under * square + factor;
  return x * (0.5f + y * over / under);
}

INLINE inline void softmax(Vector* x, int length) {
  Vector most = x[0], sum = {};
  for (int i = 1; i < length; i++) most = larger(x[i], most);
  for (int i = 0; i < length; i++) sum += x[i] = exponential(x[i] - most);
  sum = 1.f / sum;
  for (int i = 0; i < length; i++) x[i] *= sum;
}

// R × C sums over k of left[r · stride + k] right(c, k), kept in registers. `right` gives a number or a vector.
template <int R, int C, class Right, class Done>
INLINE inline void tile(int length, const Vector* left, long stride, Right right, Done done) {
  Vector sum[R][C] = {};
  const long thrice = 3 * stride;
  for (int k = 0; k < length; k++, left++) {
    asm("" : "+r"(left));  // one address that advances, instead of R of them
    Vector values[R == 1 ? 1 : C];
#pragma GCC unroll 16
    for (int c = 0; R > 1 && c < C; c++) values[c] = all(right(c, k));
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      Vector value = r < 3 ? left[r * stride] : left[thrice];
#pragma GCC unroll 16
      for (int c = 0; c < C; c++) sum[r][c] += value * (R > 1 ? values[c] : all(right(c, k)));
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) done(r, c, sum[r][c]);
}

// The same for R rows and all columns, whose number in `right` is c + j with c a multiple of COLUMNS unless j is 0.
template <int R, class Right, class Done>
INLINE inline void strip(int columns, int length, const Vector* left, long stride, Right right, Done done) {
  int c = 0;
  auto as_wide_as = [&](auto width) INLINE {
    constexpr int W = decltype(width)::value;
    for (; c + W <= columns; c += W)
      tile<R, W>(
          length, left, stride, [&](int j, int k) INLINE { return right(c, j, k); },
          [&](int r, int j, Vector sum) INLINE { done(r, c + j, sum); });
  };
  if (R == 1) as_wide_as(std::integral_constant<int, ROWS * COLUMNS>{});
  as_wide_as(std::integral_constant<int, COLUMNS>{});
  as_wide_as(std::integral_constant<int, 1>{});
}

// done(r, c, sum over k of left[r · stride + k] right(c, 0, k)) for each row and column
template <class Right, class Done>
__attribute__((noinline)) void product(int rows, int columns, int length, const Vector* left, long stride, Right right,
                                       Done done) {
  int row = 0;
  auto moved = [&](int r, int c, Vector sum) INLINE { done(row + r, c, sum); };
  for (; row + ROWS <= rows; row += ROWS) strip<ROWS>(columns, length, left + row * stride, stride, right, moved);
  for (; row < rows; row++) strip<1>(columns, length, left + row * stride, stride, right, moved);
}

// Weights as torch lays them out, one after the other.
struct Weights {
  const float* const* at;
  const float* next() { return *at++; }
};

struct Norm {
  int length;
  const float *scale, *shift;
  Norm(Weights& weights, int length) : length(length), scale(weights.next()), shift(weights.next()) {}

  INLINE inline void operator()(const Vector* x, Vector* y) const {
    Vector sum = {}, squares = {}, factor = {};
    for (int i = 0; i < length; i++) sum += x[i];
    const Vector mean = sum / float(length);
    for (int i = 0; i < length; i++) squares += (x[i] - mean) * (x[i] - mean);
    const Vector variance = squares / float(length) + EPSILON;
    for (int lane = 0; lane < LANES; lane++) factor[lane] = 1 / std::sqrt(variance[lane]);
    for (int i = 0; i < length; i++) y[i] = (x[i] - mean) * factor * scale[i] + shift[i];
  }
};

struct Linear {
  int in, out;
  std::vector<float> weight, bias;  // of COLUMNS outputs each input after input

  Linear(Weights& weights, int in, int out, bool with_bias) : Linear(in, out) {
    put(weights.next(), 0, out);
    if (with_bias) std::copy_n(weights.next(), out, bias.begin());
  }
  // Queries, keys and values side by side: timm has the values' weights apart.
  static Linear of_attention(Weights& weights, int width) {
    Linear made(width, 3 * width);
    made.put(weights.next(), 0, 2 * width);
    made.put(weights.next(), 2 * width, width);
    return made;
  }
  // to(r, c, output c of row r of x)
  template <class To>
  INLINE inline void operator()(int rows, const Vector* x, To to) const {
    const float *panels = weight.data(), *offset = bias.data();
    const int length = in;
    product(
        rows, out, in, x, in,
        [=](int c, int j, int k) INLINE {
          return panels[((c / COLUMNS + j / COLUMNS) * length + k) * COLUMNS + c % COLUMNS + j % COLUMNS];
        },
        [=](int r, int c, Vector sum) INLINE { to(r, c, sum + offset[c]); });
  }

 private:
  Linear(int in, int out) : in(in), out(out), weight((out + COLUMNS) * in), bias(out) {}
  void put(const float* from, int first, int count) {
    for (int o = first; o < first + count; o++)
      for (int i = 0; i < in; i++) weight[(o / COLUMNS * in + i) * COLUMNS + o % COLUMNS] = *from++;
  }
};

// What a thread works in.
struct Space {
  Vectors normed, made, gathered, weights;
};

// A transformer layer, pre-norm: what the inner and the outer stream have in common.
struct Layer {
  int width, heads;
  Norm before_attention;
  Linear attention, after_attention;
  Norm before_mlp;
  Linear up, down;
  Layer(Weights& weights, int width, int heads, int hidden)
      : width(width), heads(heads), before_attention(weights, width), attention(Linear::of_attention(weights, width)),
        after_attention(weights, width, width, true), before_mlp(weights, width), up(weights, width, hidden, true),
        down(weights, hidden, width, true) {}

  // `gather(query, key, value, result)` computes a head; rows of the first three are 3 · width apart.
  template <class Gather>
  INLINE inline void operator()(Vector* x, int rows, Space& space, Gather gather) const {
    Vector *normed = space.normed.data(), *made = space.made.data(), *gathered = space.gathered.data();
    const int n = width, m = up.out;
    for (int r = 0; r < rows; r++) before_attention(x + r * n, normed + r * n);
    attention(rows, normed, [=](int r, int c, Vector y) INLINE { made[r * 3 * n + c] = y; });
    for (int h = 0; h < heads; h++) {
      const Vector* query = made + n / heads * h;
      gather(query, query + n, query + 2 * n, gathered + n / heads * h);
    }
    after_attention(rows, gathered, [=](int r, int c, Vector y) INLINE { x[r * n + c] += y; });
    for (int first = 0; first < rows; first += ROWS) {
      const int count = std::min(ROWS, rows - first);
      Vector* part = x + first * n;
      for (int r = 0; r < count; r++) before_mlp(part + r * n, normed + r * n);
      up(count, normed, [=](int r, int c, Vector y) INLINE { made[r * m + c] = gelu(y); });
      down(count, made, [=](int r, int c, Vector y) INLINE { part[r * n + c] += y; });
    }
  }
};

// Softmax(query keyᵀ scale) value of some queries. `key` and `value` of (token, feature) give a number or a vector.
template <class Key, class Value>
INLINE inline void attend(int queries, int tokens, int width, const Vector* query, long stride, Key key, Value value,
                          Vector* result, long result_stride, Vector* weights) {
  const float scale = 1 / std::sqrt(float(width));
  product(
      queries, tokens, width, query, stride, [=](int c, int j, int k) INLINE { return key(c + j, k); },
      [=](int r, int c, Vector sum) INLINE { weights[r * tokens + c] = sum * scale; });
  for (int r = 0; r < queries; r++) softmax(weights + r * tokens, tokens);
  product(
      queries, width, tokens, weights, tokens, [=](int c, int j, int k) INLINE { return value(k, c + j); },
      [=](int r, int c, Vector sum) INLINE { result[r * result_stride + c] = sum; });
}

// What the inner stream gives to the outer one: norm, product, norm.
struct Gift {
  Norm before;
  Linear linear;
  Norm after;
  Gift(Weights& weights, int in, int out, bool with_bias)
      : before(weights, in), linear(weights, in, out, with_bias), after(weights, out) {}
};

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

class Network {
 public:
  Network(const Sizes& sizes, Weights weights)
      : sizes(sizes), size(sizes.pixels * sizes.inner), groups(sizes.patches / LANES + 1),
        first(weights, size, sizes.outer, true), token(weights.next()), position(weights.next()),
        last(weights, sizes.outer) {
    for (int i = 0; i < sizes.depth; i++) blocks.emplace_back(weights, sizes);
  }

  void embed(int images, const float* pixels, float* embeddings) const {
    for (int i = 0; i < images; i++) embed(pixels + long(i) * sizes.patches * size, embeddings + i * sizes.outer);
  }

 private:
  void embed(const float* pixels, float* embedding) const {
    const int patches = sizes.patches, tokens = patches + 1, width = sizes.outer;
    const int full = patches / LANES, inside = (patches + LANES - 1) / LANES;  // groups of patches
    Vectors x(inside * size), y(groups * width);
    Space space = {Vectors(std::max(size, groups * width)),
                   Vectors(std::max({3 * size, ROWS * sizes.inner_hidden, 3 * groups * width, ROWS * sizes.outer_hidden})),
                   Vectors(std::max(size, groups * width)), Vectors(std::max(sizes.pixels * sizes.pixels, ROWS * tokens))};
    for (int p = 0; p < patches; p++)
      for (int i = 0; i < size; i++) x[p / LANES * size + i][p % LANES] = *pixels++;
    for (int p = 0; p < tokens; p++)
      for (int i = 0; i < width; i++)
        y[p / LANES * width + i][p % LANES] = p < patches ? position[(p + 1) * width + i] : token[i] + position[i];

    auto give = [&](const Gift& gift) {
      Vector *normed = space.normed.data(), *given = space.made.data();
      for (int g = 0; g < inside; g++) {
        gift.before(&x[g * size], normed);
        gift.linear(1, normed, [=](int, int c, Vector sum) INLINE { given[c] = sum; });
        gift.after(given, given);
        for (int i = 0; i < width; i++) {
          for (int lane = g < full ? LANES : patches % LANES; lane < LANES; lane++) given[i][lane] = 0;  // no patches
          y[g * width + i] += given[i];
        }
      }
    };
    give(first);
    for (const Block& block : blocks) {
      for (int g = 0; g < inside; g++) inner(block.inner, &x[g * size], space);
      give(block.gift);
      outer(block.outer, y.data(), space);
    }
    last(&y[full * width], space.made.data());
    for (int i = 0; i < width; i++) embedding[i] = space.made[i][patches % LANES];
  }

  // Eight patches, each with its own keys and values.
  void inner(const Layer& layer, Vector* x, Space& space) const {
    const int n = sizes.inner, pixels = sizes.pixels, width = n / sizes.inner_heads;
    Vector* weights = space.weights.data();
    layer(x, pixels, space, [=](const Vector* query, const Vector* key, const Vector* value, Vector* result) INLINE {
      attend(
          pixels, pixels, width, query, 3 * n, [=](int token, int i) INLINE { return key[token * 3 * n + i]; },
          [=](int token, int i) INLINE { return value[token * 3 * n + i]; }, result, n, weights);
    });
  }

  // All tokens, whose keys and values are those of an image.
  void outer(const Layer& layer, Vector* x, Space& space) const {
    const int n = sizes.outer, tokens = sizes.patches + 1, width = n / sizes.outer_heads, count = groups;
    Vector* weights = space.weights.data();
    layer(x, count, space, [=](const Vector* query, const Vector* key, const Vector* value, Vector* result) INLINE {
      const float *keys = (const float*)key, *values = (const float*)value;
      auto at = [=](int token, int i) INLINE { return (token / LANES * 3 * n + i) * LANES + token % LANES; };
      for (int g = 0; g < count; g += ROWS)
        attend(
            std::min(ROWS, count - g), tokens, width, query + g * 3 * n, 3 * n,
            [=](int token, int i) INLINE { return keys[at(token, i)]; },
            [=](int token, int i) INLINE { return values[at(token, i)]; }, result + g * n, n, weights);
    });
  }

  Sizes sizes;
  int size, groups;  // of a patch in the inner stream; of tokens in the outer one
  Gift first;
  const float *token, *position;
  Norm last;
  std::vector<Block> blocks;
};

}  // namespace

extern "C" {
// Weights of norms, the class token and positions must outlive the network; the others are copied.
void* network(const Sizes* sizes, const float* const* weights) { return new Network(*sizes, Weights{weights}); }

// pixels (images · patches, pixels, inner) -> embeddings (images, outer)
void embed(const void* network, int images, const float* pixels, float* embeddings) {
  static_cast<const Network*>(network)->embed(images, pixels, embeddings);
}

void release(const void* network) { delete static_cast<const Network*>(network); }
}
