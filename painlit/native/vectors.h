// Vectors of numbers, and functions of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

#if defined __AVX512F__ || defined __AVXVNNI__
#include <immintrin.h>
#endif

#define INLINE __attribute__((always_inline))

namespace painlit {

#ifdef __AVX512F__
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef int32_t Bits __attribute__((vector_size(4 * LANES)));
typedef int64_t Longs __attribute__((vector_size(4 * LANES)));
typedef float Eight __attribute__((vector_size(32)));
using Vectors = std::vector<Vector>;

template <int... LANE>
INLINE inline Vector all(float x, std::integer_sequence<int, LANE...>) {
  return Vector{(static_cast<void>(LANE), x)...};
}
INLINE inline Vector all(float x) { return all(x, std::make_integer_sequence<int, LANES>{}); }
INLINE inline Bits all(int32_t x) { return Bits{} + x; }
INLINE inline Vector all(Vector x) { return x; }
INLINE inline Bits all(Bits x) { return x; }
// Where one is no number, y.
#ifdef __AVX512F__  // which compilers do not see in the comparison
INLINE inline Vector larger(Vector x, Vector y) { return (Vector)_mm512_max_ps((__m512)x, (__m512)y); }
INLINE inline Vector smaller(Vector x, Vector y) { return (Vector)_mm512_min_ps((__m512)x, (__m512)y); }
#else
INLINE inline Vector larger(Vector x, Vector y) { return x > y ? x : y; }
INLINE inline Vector smaller(Vector x, Vector y) { return x < y ? x : y; }
#endif

#ifdef __clang__
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
typedef int32_t Places __attribute__((vector_size(32)));
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, Places{__VA_ARGS__})
#endif

INLINE inline Eight folded(Vector x) {
  Eight parts[LANES / 8];
  std::memcpy(parts, &x, sizeof x);
  return LANES == 8 ? parts[0] : parts[0] + parts[LANES / 8 - 1];
}

// The total of each of four vectors, twice: in the lower half and in the upper one.
INLINE inline Eight totals(Vector v, Vector w, Vector x, Vector y) {
  Eight a = folded(v), b = folded(w), c = folded(x), d = folded(y);
  Eight one = SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  Eight two = SHUFFLE(c, d, 0, 8, 1, 9, 4, 12, 5, 13) + SHUFFLE(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
  Eight halves = SHUFFLE(one, two, 0, 1, 8, 9, 4, 5, 12, 13) + SHUFFLE(one, two, 2, 3, 10, 11, 6, 7, 14, 15);
  return halves + SHUFFLE(halves, halves, 4, 5, 6, 7, 0, 1, 2, 3);
}
INLINE inline float total(Vector x) { return totals(x, x, x, x)[0]; }

// join(…join(first, of(0)), …, of(length - 1)) in another order: by four chains that need not wait for each other.
// Nothing must come of joining `first` to itself.
template <class Value, class Join, class Of>
INLINE inline Value joined(Value first, int length, Join join, Of of) {
  Value parts[4] = {first, first, first, first};
  int i = 0;
  for (; i + 4 <= length; i += 4)
#pragma GCC unroll 64
    for (int j = 0; j < 4; j++) parts[j] = join(parts[j], of(i + j));
  for (; i < length; i++) parts[0] = join(parts[0], of(i));
  return join(join(parts[0], parts[1]), join(parts[2], parts[3]));
}
template <class Of>
INLINE inline Vector summed(int length, Of of) {
  return joined(Vector{}, length, [](Vector x, Vector y) INLINE { return x + y; }, of);
}

// 1 / √x
INLINE inline Vector inverse_root(Vector x) {
  float numbers[LANES];
  std::memcpy(numbers, &x, sizeof x);
  for (float& number : numbers) number = 1 / std::sqrt(number);
  std::memcpy(&x, numbers, sizeof x);
  return x;
}

INLINE inline Vector polynomial(Vector x, std::initializer_list<float> factors) {
  const float* factor = factors.begin();
  Vector y = all(*factor);
  while (++factor != factors.end()) y = y * x + *factor;
  return y;
}

constexpr float ROUNDING = 12582912.f;  // 1.5 · 2^23: adding it rounds to whole numbers, which are its lowest bits

// 2^n x, from n + ROUNDING.
INLINE inline Vector times_power(Vector x, Vector n) { return (Vector)((Bits)x + ((Bits)n << 23)); }

// Functions off by no more than rounding makes them.
struct Exact {
  // exp(x) for x of 0 and less: 2^n times a polynomial of what is left, fitted as all here are; off by 4e-7 of it at
  // most.
  INLINE static Vector exp(Vector x) {
    x = larger(all(-87.f), x);  // in this order what is no number stays so
    const Vector n = x * 1.44269504f + ROUNDING, rest = x - (n - ROUNDING) * 0.693147181f;
    return times_power(
        polynomial(rest, {0.00829761941f, 0.0419156291f, 0.166675761f, 0.499988914f, 0.999999702f, 1.00000012f}), n);
  }
  // Φ(x), the normal distribution: Φ(x) - 1/2 is x P(x²) / Q(x²) up to 5.3 (fitted for the least largest error of
  // x Φ(x), 3e-8; rounding makes it 1.1e-6) and constant beyond.
  INLINE static Vector normal(Vector x) {
    x = larger(smaller(x, all(5.3f)), all(-5.3f));
    const Vector over = polynomial(x * x, {1.18100941e-10f, -2.30770422e-08f, 3.37236762e-06f, 1.75552916e-04f,
                                           4.53286295e-03f, 3.62604637e-02f, 3.98941809e-01f});
    const Vector under = polynomial(x * x, {6.47689349e-05f, 1.85436145e-03f, 2.92952841e-02f, 2.57553050e-01f, 1.f});
    return 0.5f + x * over / under;
  }
};

// The same, fitted for the least largest error at less cost.
struct Rough {
  // 2^n times a power of 0 to 1; off by 8e-5 of it.
  INLINE static Vector exp(Vector x) {
    const auto power = [](Vector x)
                           INLINE { return polynomial(x, {0.0780245235f, 0.226067187f, 0.695833511f, 0.999925223f}); };
    x *= 1.44269504f;
#ifdef __AVX512DQ__
    const auto part = _mm512_reduce_ps((__m512)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    return (Vector)_mm512_scalef_ps((__m512)power((Vector)part), (__m512)x);
#else
    x = larger(all(-126.f), x);
    const Vector n = (x - 0.5f) + ROUNDING;
    return times_power(power(x - (n - ROUNDING)), n);
#endif
  }
  // x Φ(x) is off by 5e-4; 1/2 at 3.7, and constant beyond.
  INLINE static Vector normal(Vector x) {
    x = larger(smaller(x, all(3.7f)), all(-3.7f));
    return 0.5f + x * polynomial(x * x, {-4.89921510e-07f, 2.68866404e-05f, -6.17469675e-04f, 7.84847687e-03f,
                                         -6.25870568e-02f, 3.96474443e-01f});
  }
};

}  // namespace painlit
