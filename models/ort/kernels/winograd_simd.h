// The loops of Winograd's algorithm for vectors of WIDTH floats; see winograd.h for the formulas and loops_simd.h for
// the rules.
//
// With the points 0, ±a, ±b, ∞ and N_a = 2a²(a² − b²), N_b = 2b²(b² − a²):
//
//	     | a²b²   0    −a²−b²    0     1   0 |        | 1/(a²b²)   0       0    |         | 1  1   1   1   1   0 |
//	     | 0    −ab²   −b²       a     1   0 |        | 1/N_a    a/N_a   a²/N_a |         | 0  a  −a   b  −b   0 |
//	Bᵀ = | 0     ab²   −b²      −a     1   0 |    G = | 1/N_a   −a/N_a   a²/N_a |    Aᵀ = | 0  a²  a²  b²  b²  0 |
//	     | 0    −ba²   −a²       b     1   0 |        | 1/N_b    b/N_b   b²/N_b |         | 0  a³ −a³  b³ −b³  1 |
//	     | 0     ba²   −a²      −b     1   0 |        | 1/N_b   −b/N_b   b²/N_b |
//	     | 0     a²b²   0      −a²−b²  0   1 |        | 0          0       1    |
//
// Which points changes nothing but the rounding (Barabasz, Anderson, Soodhalter, Gregg, "Error Analysis and Improving
// the Accuracy of Winograd Convolution", 2020). Relative errors of 256 channels behind a ReLU, against 0.6e-6 of the
// direct sum: a, b = 1, 2 (of Lavin & Gray): 2.6e-6; 1, 1/2: 2.9e-6; 3/4, 5/4: 1.6e-6; 1/2, 3/2: 1.5e-6; 1/√2, √2:
// 1.3e-6; 5/8, 3/2: 1.2e-6. The last two are the same within the scatter, and with a²b² = 1 the former needs fewer
// products. F(2x2, 3x3) has 0.4e-6, but saves 56 % of the products where this saves 75 %.

namespace ordo {
namespace NAMESPACE {
namespace winograd {

typedef Vector<WIDTH> V;

// kA2 · kB2 is 1, which outermost makes use of.
constexpr double kA = 0.70710678118654752440, kB = 1.41421356237309504880, kA2 = 0.5, kB2 = 2;
constexpr float a = float(kA), b = float(kB), a2 = float(kA2), b2 = float(kB2), a2_b2 = float(kA2 + kB2);
constexpr float a3 = float(kA * kA2), b3 = float(kB * kB2);
constexpr double kNa = 2 * kA2 * (kA2 - kB2), kNb = 2 * kB2 * (kB2 - kA2);
constexpr float g0 = float(1 / (kA2 * kB2));
constexpr float ga0 = float(1 / kNa), ga1 = float(kA / kNa), ga2 = float(kA2 / kNa);
constexpr float gb0 = float(1 / kNb), gb1 = float(kB / kNb), gb2 = float(kB2 / kNb);

// outermost is the first and the last row of Bᵀ.
static inline V outermost(const V d0, const V d2, const V d4) { return d0 + (d4 - a2_b2 * d2); }

// Each function transforms one line of a tile: from x[0], x[from], … to y[0], y[to], ….

static inline __attribute__((always_inline)) void line_bt(const V *x, int from, V *y, int to) {
  const V d0 = x[0], d1 = x[from], d2 = x[2 * from], d3 = x[3 * from], d4 = x[4 * from], d5 = x[5 * from];
  const V even = d4 - b2 * d2, odd = d3 - b2 * d1, even2 = d4 - a2 * d2, odd2 = d3 - a2 * d1;
  y[0] = outermost(d0, d2, d4);
  y[to] = even + a * odd;
  y[2 * to] = even - a * odd;
  y[3 * to] = even2 + b * odd2;
  y[4 * to] = even2 - b * odd2;
  y[5 * to] = outermost(d1, d3, d5);
}

static inline __attribute__((always_inline)) void line_g(const V *x, int from, V *y, int to) {
  const V x0 = x[0], x1 = x[from], x2 = x[2 * from];
  const V even = ga0 * x0 + ga2 * x2, odd = ga1 * x1, even2 = gb0 * x0 + gb2 * x2, odd2 = gb1 * x1;
  y[0] = g0 * x0;
  y[to] = even + odd;
  y[2 * to] = even - odd;
  y[3 * to] = even2 + odd2;
  y[4 * to] = even2 - odd2;
  y[5 * to] = x2;
}

static inline __attribute__((always_inline)) void line_at(const V *x, int from, V *y, int to) {
  const V s = x[from] + x[2 * from], d = x[from] - x[2 * from], s2 = x[3 * from] + x[4 * from],
          d2 = x[3 * from] - x[4 * from];
  y[0] = x[0] + s + s2;
  y[to] = a * d + b * d2;
  y[2 * to] = a2 * s + b2 * s2;
  y[3 * to] = a3 * d + b3 * d2 + x[5 * from];
}

// store_row ends Bᵀ d B for one row of Bᵀ d.
static inline __attribute__((always_inline)) void store_row(const V *t, float *v, int64_t stride) {
  V y[6];
  line_bt(t, 1, y, 1);
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) at<WIDTH>(v + j * stride) = y[j];
}

// transform_input transforms the 6 x 6 pixels at d, which are `line` and `pixel` floats apart. A row of Bᵀ d is made
// when it is wanted, from pixels in the cache: so all is in registers, of which 36 would be needed otherwise.
static inline __attribute__((always_inline)) void transform_input(const float *d, int64_t line, int64_t pixel, float *v,
                                                                  int64_t stride) {
  V t[6], s[6];
  auto x = [=](int i, int j) -> V { return at<WIDTH>(d + i * line + j * pixel); };
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) t[j] = outermost(x(0, j), x(2, j), x(4, j));
  store_row(t, v, stride);
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
    const V even = x(4, j) - b2 * x(2, j), odd = x(3, j) - b2 * x(1, j);
    t[j] = even + a * odd;
    s[j] = even - a * odd;
  }
  store_row(t, v + 6 * stride, stride);
  store_row(s, v + 12 * stride, stride);
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) {
    const V even = x(4, j) - a2 * x(2, j), odd = x(3, j) - a2 * x(1, j);
    t[j] = even + b * odd;
    s[j] = even - b * odd;
  }
  store_row(t, v + 18 * stride, stride);
  store_row(s, v + 24 * stride, stride);
#pragma GCC unroll 6
  for (int j = 0; j < 6; j++) t[j] = outermost(x(1, j), x(3, j), x(5, j));
  store_row(t, v + 30 * stride, stride);
}

// fetch asks for WIDTH channels of the 4 x 4 pixels at p, to be read or written: of a tile that comes later, because
// few of the steps from pixel to pixel and from line to line are such that the processor foresees them.
template <int WRITE>
static inline __attribute__((always_inline)) void fetch(const float *p, int64_t line, int64_t pixel) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) __builtin_prefetch(p + i * line + j * pixel, WRITE);
}

// ahead is the number of tiles until one that is fetched is wanted.
static inline int64_t ahead(int64_t channels) { return channels <= 32 ? 4 : channels <= 64 ? 2 : 1; }

static void input(const Tiles &g, const float *x, int64_t channels, int64_t first, int64_t count, float *v,
                  int64_t stride) {
  const int64_t line = g.width * channels, later = ahead(channels);
  for (int64_t k = 0; k < count; k++, v += channels) {
    const int64_t n = (first + k) / g.of_image(), tile = (first + k) % g.of_image();
    const int64_t row = tile / g.columns * kTile - g.top, column = tile % g.columns * kTile - g.left;
    const float *corner = x + (n * g.height + row) * line + column * channels;
    const int64_t m = (first + k + later) / g.of_image(), other = (first + k + later) % g.of_image();
    const float *next = x + (m * g.height + other / g.columns * kTile) * line + other % g.columns * kTile * channels;
    const int64_t top = larger(0, -row), left = larger(0, -column), bottom = smaller(6, g.height - row),
                  right = smaller(6, g.width - column);
    if (top == 0 && left == 0 && bottom == 6 && right == 6) {
      for (int64_t c = 0; c < channels; c += WIDTH) {
        fetch<0>(next + c, line, channels);
        transform_input(corner + c, line, channels, v + c, stride);
      }
      continue;
    }
    // At an edge the tile is copied into zeros.
    float patch[36 * WIDTH] __attribute__((aligned(64)));
    for (int q = 0; q < 36; q++) at<WIDTH>(patch + q * WIDTH) = V{};
    for (int64_t c = 0; c < channels; c += WIDTH) {
      fetch<0>(next + c, line, channels);
      for (int64_t i = top; i < bottom; i++)
        for (int64_t j = left; j < right; j++)
          at<WIDTH>(patch + (6 * i + j) * WIDTH) = at<WIDTH>(corner + i * line + j * channels + c);
      transform_input(patch, 6 * WIDTH, WIDTH, v + c, stride);
    }
  }
}

static void output(const Tiles &g, const float *m, int64_t stride, int64_t filters, int64_t first, int64_t count,
                   const float *bias, float *y, int64_t pixel) {
  const int64_t later = ahead(filters);
  for (int64_t k = 0; k < count; k++, m += filters) {
    const int64_t n = (first + k) / g.of_image(), tile = (first + k) % g.of_image();
    const int64_t row = tile / g.columns * kTile, column = tile % g.columns * kTile, line = g.out_width * pixel;
    const int64_t rows = smaller(kTile, g.out_height - row), columns = smaller(kTile, g.out_width - column);
    float *corner = y + (n * g.out_height + row) * line + column * pixel;
    const int64_t o = (first + k + later) / g.of_image(), other = (first + k + later) % g.of_image();
    const float *next = y + (o * g.out_height + other / g.columns * kTile) * line + other % g.columns * kTile * pixel;
    for (int64_t c = 0; c < filters; c += WIDTH) {
      fetch<1>(next + c, line, pixel);
      const V shift = bias ? at<WIDTH>(bias + c) : V{};
      V t[24];
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        V x[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) x[i] = at<WIDTH>(m + c + (6 * i + j) * stride);
        line_at(x, 1, t + j, 6);
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        if (i >= rows) break;
        V z[4];
        line_at(t + 6 * i, 1, z, 1);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
          if (j < columns) at<WIDTH>(corner + c + i * line + j * pixel) = z[j] + shift;
      }
    }
  }
}

static void kernels(const float *w, int64_t channel_step, int64_t filter_step, bool turned, int64_t channels,
                    int64_t filters, int64_t begin, int64_t end, float *u, int64_t stride) {
  for (int64_t f = begin; f < end; f++) {
    // Panels are of two vectors, the last one of an odd number is of one.
    const bool single = (f & ~int64_t(1)) * WIDTH + 2 * WIDTH > filters;
    float *panel = u + (f & ~int64_t(1)) * WIDTH * channels + (f & 1) * WIDTH;
    const int64_t step = single ? WIDTH : 2 * WIDTH;
    for (int64_t c = 0; c < channels; c++) {
      float lanes[9][WIDTH];
      const float *from = w + c * channel_step + f * WIDTH * filter_step;
      for (int l = 0; l < WIDTH; l++, from += filter_step)
#pragma GCC unroll 9
        for (int q = 0; q < 9; q++) lanes[q][l] = from[q];
      V k[9], t[18];
#pragma GCC unroll 9
      for (int q = 0; q < 9; q++) k[q] = at<WIDTH>(lanes[turned ? 8 - q : q]);
#pragma GCC unroll 3
      for (int i = 0; i < 3; i++) line_g(k + 3 * i, 1, t + 6 * i, 1);
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        V y[6];
        line_g(t + j, 6, y, 1);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) at<WIDTH>(panel + c * step + (6 * i + j) * stride) = y[i];
      }
    }
  }
}

// Registers for sums: of 32, or 16, some are needed for the factors.
constexpr int kRows = WIDTH == 16 ? 14 : 6;

template <int ROWS, int VECTORS>
static void product(const float *v, const float *u, float *m, int64_t channels, int64_t filters) {
  V sum[ROWS][VECTORS] = {};
  for (int64_t c = 0; c < channels; c++, u += VECTORS * WIDTH) {
    V f[VECTORS];
#pragma GCC unroll 2
    for (int j = 0; j < VECTORS; j++) f[j] = at<WIDTH>(u + j * WIDTH);
#pragma GCC unroll 14
    for (int i = 0; i < ROWS; i++) {
      const float x = v[i * channels + c];
#pragma GCC unroll 2
      for (int j = 0; j < VECTORS; j++) sum[i][j] += x * f[j];
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 2
    for (int j = 0; j < VECTORS; j++) at<WIDTH>(m + i * filters + j * WIDTH) = sum[i][j];
}

typedef void (*Product)(const float *v, const float *u, float *m, int64_t channels, int64_t filters);

#define PRODUCTS(vectors, i) product<(i) < kRows ? (i) : kRows, vectors>
static const Product kProducts[2][15] = {
    {nullptr, PRODUCTS(1, 1), PRODUCTS(1, 2), PRODUCTS(1, 3), PRODUCTS(1, 4), PRODUCTS(1, 5), PRODUCTS(1, 6),
     PRODUCTS(1, 7), PRODUCTS(1, 8), PRODUCTS(1, 9), PRODUCTS(1, 10), PRODUCTS(1, 11), PRODUCTS(1, 12), PRODUCTS(1, 13),
     PRODUCTS(1, 14)},
    {nullptr, PRODUCTS(2, 1), PRODUCTS(2, 2), PRODUCTS(2, 3), PRODUCTS(2, 4), PRODUCTS(2, 5), PRODUCTS(2, 6),
     PRODUCTS(2, 7), PRODUCTS(2, 8), PRODUCTS(2, 9), PRODUCTS(2, 10), PRODUCTS(2, 11), PRODUCTS(2, 12), PRODUCTS(2, 13),
     PRODUCTS(2, 14)},
};
#undef PRODUCTS

static void multiply(const float *v, const float *u, float *m, int64_t v_stride, int64_t u_stride, int64_t m_stride,
                     int64_t count, int64_t channels, int64_t filters) {
  const int64_t blocks = (count + kRows - 1) / kRows;
  for (int64_t q = 0; q < kPositions; q++, v += v_stride, u += u_stride, m += m_stride)
    for (int64_t f = 0; f < filters; f += 2 * WIDTH) {
      const int vectors = f + 2 * WIDTH <= filters ? 2 : 1;
      for (int64_t i = 0; i < blocks; i++) {
        const int64_t begin = count * i / blocks, end = count * (i + 1) / blocks;
        kProducts[vectors - 1][end - begin](v + begin * channels, u + f * channels, m + begin * filters + f, channels,
                                            filters);
      }
    }
}

static const WinogradLoops table = {WIDTH, input, kernels, multiply, output};

}  // namespace winograd
}  // namespace NAMESPACE
}  // namespace ordo
