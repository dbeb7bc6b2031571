// What a linear layer's products multiply: numbers as they are, or rounded and several to a lane.
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

namespace painlit {

// What a product reads: row r at k is at[r · stride + k · step].
template <class Operand = Vector>
struct Rows {
  const Operand* at;
  long stride, step = 1;
};

// Operands, or numbers that meet them, of so many numbers.
template <class Kind>
constexpr int steps_of(int length) {
  return (length + Kind::STEP - 1) / Kind::STEP;
}

// Sums that stand for themselves.
struct Unscaled {
  static float factor(const float*, int) { return 1; }
  static int zero(float) { return 0; }
  INLINE static Vector value(Vector sum, Vector, float, int) { return sum; }
};

// Each has: Element, a weight; STEP of them side by side, a Number, which meets a lane of an Operand; Sum, of their
// products. `rounded` makes operands of rows, with a factor for each lane of a row; an output's weights are `element`s
// times a `factor`, and `zero`s add up to what `value`, what a sum stands for, takes from it first.
struct Fp32 : Exact, Unscaled {
  using Attention = Fp32;
  using Element = float;
  using Number = float;
  using Operand = Vector;
  using Sum = Vector;
  static constexpr int STEP = 1;
  INLINE static void add(Vector& sum, Vector x, Vector y) { sum += x * y; }

  static float element(float weight) { return weight; }
  INLINE static Rows<> rounded(int, int, Rows<> x, Bits*, Vector* = nullptr) { return x; }
  INLINE static Rows<> rounded_lanes(int, int, Rows<> x, Bits*) { return x; }
};

// Bfloat16: the upper half of a float, rounded.
struct Bf16 : Rough, Unscaled {
  using Attention = Bf16;
  using Element = uint16_t;
  using Number = int32_t;
  using Operand = Bits;
  using Sum = Vector;
  static constexpr int STEP = 2;
  INLINE static void add(Vector& sum, Bits x, Bits y) {
#ifdef __AVX512BF16__
    sum = (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)x, (__m512bh)y);
#else
    sum += (Vector)(x << 16) * (Vector)(y << 16);
    sum += (Vector)(x & -65536) * (Vector)(y & -65536);
#endif
  }

  static uint16_t element(float weight) {
    uint32_t bits;
    std::memcpy(&bits, &weight, sizeof bits);
    return (bits + 32768) >> 16;
  }
  INLINE static Rows<Bits> rounded(int rows, int length, Rows<> x, Bits* to, Vector* = nullptr) {
    const int steps = steps_of<Bf16>(length);
    for (int r = 0; r < rows; r++)
      for (int k = 0; k < steps; k++) {
        const Vector* pair = x.at + r * x.stride + k * STEP * x.step;
        const Bits low = (Bits)*pair + 32768, high = k * STEP + 1 < length ? (Bits)pair[x.step] + 32768 : Bits{};
        to[r * steps + k] = (low >> 16 & 65535) | (high & -65536);
      }
    return {to, steps};
  }
  // The same of neighbouring lanes: the number of both is in the first of them.
  INLINE static Rows<Bits> rounded_lanes(int rows, int length, Rows<> x, Bits* to) {
    for (int r = 0; r < rows; r++)
      for (int i = 0; i < length; i++) {
        const Longs pairs = (Longs)((Bits)x.at[r * x.stride + i * x.step] + 32768);
        to[r * length + i] = (Bits)((pairs >> 16 & 65535) | (pairs >> 32 & -65536));
      }
    return {to, length};
  }
};

// Bytes: those of a row of numbers are -127 to 127 times a factor that each lane has, and those of an output's weights
// times one of its own. Processors multiply bytes without sign by bytes with one, so the former are kept as 1 to 255.
struct Int8 : Rough {
#ifdef __AVX512BF16__
  using Attention = Bf16;
#else
  using Attention = Fp32;
#endif
  using Element = int8_t;
  using Number = int32_t;
  using Operand = Bits;
  using Sum = Bits;
  static constexpr int STEP = 4, MOST = 127, ZERO = 128;
  static constexpr int32_t WITHOUT_ROUNDING = 0x74c00000;  // less the bits of ROUNDING in four sums a byte apart
  INLINE static void add(Bits& sum, Bits x, Bits y) {
#if defined __AVX512VNNI__
    sum = (Bits)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)y);
#elif defined __AVXVNNI__
    sum = (Bits)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)y);
#else
    for (int shift = 0; shift < 32; shift += 8) sum += (x >> shift & 255) * (y << (24 - shift) >> 24);
#endif
  }

  static float factor(const float* weights, int length) {
    float most = 0, none = 0;
    for (int i = 0; i < length; i++) most = std::max(most, std::abs(weights[i])), none += 0 * weights[i];
    return none + (most > 0 ? most / MOST : 1);  // no number if a weight is none
  }
  static int zero(int8_t weight) { return ZERO * weight; }
  static int8_t element(float weight) { return std::lrint(weight); }
  INLINE static Rows<Bits> rounded(int rows, int length, Rows<> all_rows, Bits* to, Vector* factors) {
    Bits* made = to;
    for (int r = 0; r < rows; r++) {
      const Vector* x = all_rows.at + r * all_rows.stride;
      const Bits magnitude = joined(  // what is no number has the greatest
          Bits{}, length, [](Bits a, Bits b) INLINE { return a > b ? a : b; },
          [=](int i) INLINE { return (Bits)x[i] & 0x7fffffff; });
      const Vector most = (Vector)magnitude, scale = float(MOST) / most;
      factors[r] = most / float(MOST);
      for (int i = 0; i < length; i += STEP) {
        Bits bytes = all(WITHOUT_ROUNDING);
#pragma GCC unroll 4
        for (int j = 0; j < STEP; j++)  // beyond the last number any will do, since weights are 0 there
          bytes += (Bits)(x[std::min(i + j, length - 1)] * scale + (ROUNDING + ZERO)) << (8 * j);
        *made++ = bytes;
      }
    }
    return {to, steps_of<Int8>(length)};
  }
  INLINE static Vector value(Bits sum, Vector row, float output, int zero) {
    return __builtin_convertvector(sum - zero, Vector) * (row * output);
  }
};

#ifndef PRECISION
#define PRECISION Fp32
#endif
using Kind = PRECISION;

}  // namespace painlit
