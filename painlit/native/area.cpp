// A square picture made smaller: each pixel is the mean of those that it covers, in part by that part. It is OpenCV's
// INTER_AREA (ResizeArea_Invoker), in its order and so to the bit, unless sums are fused.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// Three colours, and what lies behind them.
typedef float Pixel __attribute__((vector_size(16), aligned(4), may_alias));

constexpr float ROUNDING = 12582912.f;  // 1.5 · 2^23: adding it rounds to whole numbers, which are its lowest bits
constexpr double LEAST = 1e-3;          // part of a pixel that counts

// What each of `to` pixels covers of `from`: from `first` on, with `shares`, `most` for each.
struct Cover {
  int most;
  std::vector<int> first;
  std::vector<float> shares;
  Cover(int from, int to) : most(std::ceil(double(from) / to) + 1), first(to), shares(to * most) {
    const double scale = double(from) / to;
    for (int i = 0; i < to; i++) {
      const double start = i * scale, end = start + scale;
      const int last = std::min(int(end), from - 1), whole = std::min(int(std::ceil(start)), last);
      const bool cut = whole - start > LEAST;
      float* share = &shares[i * most];
      first[i] = whole - cut;
      if (cut) *share++ = (whole - start) / scale;
      for (int k = whole; k < last; k++) *share++ = 1 / scale;
      if (end - last > LEAST) *share = std::min(end - last, 1.) / scale;
    }
  }
};

}  // namespace

// picture (from, from, 3), its rows `pitch` apart -> made (to, to, 3)
extern "C" void shrink(const uint8_t* picture, long pitch, int from, int to, uint8_t* made) {
  const Cover cover(from, to);
  const int most = cover.most, wide = 3 * to;
  std::vector<float> row(3 * (from + most) + 1), across(wide + 1), sums(wide);
  int at = -1;  // row of the picture that is in `across`
  for (int y = 0; y < to; y++, made += wide) {
    std::fill(sums.begin(), sums.end(), 0.f);
    for (int k = 0; k < most; k++) {
      const float share = cover.shares[y * most + k];
      if (share == 0) continue;
      if (at != cover.first[y] + k) {
        at = cover.first[y] + k;
        std::copy_n(picture + at * pitch, 3 * from, row.begin());
        for (int x = 0; x < to; x++) {
          const float *colours = &row[3 * cover.first[x]], *shares = &cover.shares[x * most];
          Pixel sum = {};
          for (int j = 0; j < most; j++) sum += *(const Pixel*)(colours + 3 * j) * shares[j];
          *(Pixel*)&across[3 * x] = sum;
        }
      }
      for (int i = 0; i < wide; i++) sums[i] += share * across[i];
    }
    for (int i = 0; i < wide; i++) {
      const float rounded = sums[i] + ROUNDING;
      uint32_t bits;
      std::memcpy(&bits, &rounded, sizeof bits);
      made[i] = bits;
    }
  }
}
