// Multiply-adds that need no memory, as many at once as hide how long each takes.
#include "../../painlit/native/products.h"

using namespace painlit;

constexpr int SUMS = ROWS * COLUMNS;

extern "C" {
int of_a_round() { return SUMS * LANES * Kind::STEP; }

// What is returned keeps the compiler from leaving them out, and what is read from computing a product once.
float multiply_adds(long rounds) {
  Kind::Operand numbers[2] = {};
  volatile int number = 0;
  numbers[number] += 1;
  Kind::Sum sums[SUMS] = {};
  for (int s = 0; s < SUMS; s++) sums[s] += std::decay_t<decltype(sums[0][0])>(s);  // or one would do for all
  for (long i = 0; i < rounds; i++) {
    const Kind::Operand x = numbers[i & 1], y = numbers[0];
#pragma GCC unroll 64
    for (int s = 0; s < SUMS; s++) Kind::add(sums[s], x, y);
  }
  for (int i = 1; i < SUMS; i++) sums[0] += sums[i];
  return sums[0][0];
}
}
