// Multiply-adds that need no memory, as many at once as hide how long each takes.
#include "../../painlit/native/vectors.h"

using namespace painlit;

// Does rounds · 12 · LANES multiply-adds; the result keeps the compiler from leaving them out.
extern "C" float multiply_adds(long rounds) {
  Vector sums[ROWS * COLUMNS], factor = all(0.9999f), added = all(1.f);
  for (int i = 0; i < ROWS * COLUMNS; i++) sums[i] = all(i);
  for (long i = 0; i < rounds; i++)
#pragma GCC unroll 16
    for (Vector& sum : sums) sum = sum * factor + added;
  for (Vector sum : sums) added += sum;
  return total(added);
}
