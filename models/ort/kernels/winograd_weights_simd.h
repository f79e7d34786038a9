// The gradient of 3×3 weights for vectors of WIDTH floats, in the namespace NAMESPACE; winograd_weights.cpp includes
// this file once for each. As in loops_simd.h nothing may be instantiated here that other files share.
//
// A convolution in Winograd's form (Lavin, Gray 2015) has Y = Aᵀ[Σ_c (G g Gᵀ) ⊙ (Bᵀ d B)]A for a tile Y of m×m outputs,
// with d the (m+2)×(m+2) inputs that it sees. It is linear in g, so its gradient is exact, too:
//
//   dg = Gᵀ [Σ_tiles (Bᵀ d B) ⊙ (A dY Aᵀ)] G
//
// For all channels and filters, the sum over tiles is one product of matrices [C, tiles]·[tiles, K] at each of the
// (m+2)² positions: 36 multiplications instead of 144 at m = 4, 16 instead of 36 at m = 2. Blocks of tiles are
// transformed, multiplied, and transformed back at once, for few channels and filters at a time, so that only the nine
// sums for each pair leave the cache, and no float32 sum of products is longer than a block.
//
// For m = 4 the matrices belong to the points 0, ±1/√2, ±√2 and ∞. They give half the rounding error of the usual 0,
// ±1, ±2, ∞: a relative distance of 6e-7 from the exact gradient, where the direct sum has 1e-7 to 1e-6. For m = 2 they
// belong to 0, ±1 and ∞.

namespace ordo {
namespace NAMESPACE {

constexpr int L = WIDTH;
typedef float Vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
inline Vector load(const float *p) { return *reinterpret_cast<const Vector *>(p); }
inline void store(float *p, Vector v) { *reinterpret_cast<Vector *>(p) = v; }

// Transform has one dimension of the three transforms: input is Bᵀ, output A, back Gᵀ.
template <int M>
struct Transform;

template <>
struct Transform<4> {
  static constexpr float kA = 0.70710678f, kB = 1.41421356f, kAA = 0.5f, kBB = 2;

  static inline void input(const Vector *d, Vector *v) {
    v[0] = (d[4] - (kAA + kBB) * d[2]) + (kAA * kBB) * d[0];
    const Vector ea = d[4] - kBB * d[2], oa = d[3] - kBB * d[1], eb = d[4] - kAA * d[2], ob = d[3] - kAA * d[1];
    v[1] = ea + kA * oa;
    v[2] = ea - kA * oa;
    v[3] = eb + kB * ob;
    v[4] = eb - kB * ob;
    v[5] = (d[5] - (kAA + kBB) * d[3]) + (kAA * kBB) * d[1];
  }
  static inline void output(const Vector *y, Vector *m) {
    const Vector ea = y[0] + kAA * y[2], oa = y[1] + kAA * y[3], eb = y[0] + kBB * y[2], ob = y[1] + kBB * y[3];
    m[0] = y[0];
    m[1] = ea + kA * oa;
    m[2] = ea - kA * oa;
    m[3] = eb + kB * ob;
    m[4] = eb - kB * ob;
    m[5] = y[3];
  }
  static inline void back(const Vector *u, Vector *g) {
    constexpr float n0 = 1 / (kAA * kBB), na = 1 / (2 * kAA * (kAA - kBB)), nb = 1 / (2 * kBB * (kBB - kAA));
    const Vector ea = u[1] + u[2], oa = u[1] - u[2], eb = u[3] + u[4], ob = u[3] - u[4];
    g[0] = (na * ea + nb * eb) + n0 * u[0];
    g[1] = (kA * na) * oa + (kB * nb) * ob;
    g[2] = ((kAA * na) * ea + (kBB * nb) * eb) + u[5];
  }
};

template <>
struct Transform<2> {
  static inline void input(const Vector *d, Vector *v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  static inline void output(const Vector *y, Vector *m) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = y[1];
  }
  static inline void back(const Vector *u, Vector *g) {
    const Vector e = 0.5f * (u[1] + u[2]), o = 0.5f * (u[1] - u[2]);
    g[0] = u[0] + e;
    g[1] = o;
    g[2] = e + u[3];
  }
};

// Patch is where the inputs or outputs of a tile lie: SIZE×SIZE pixels, of which [begin, end) are within the image.
struct Patch {
  int64_t row, pixel;    // steps in floats
  int begin[2], end[2];  // rows, columns
};

// forward transforms L channels of a tile; the results are `step` floats apart. Of a tile that is not wholly inside,
// the first pixel may lie before the image's memory.
template <int M, bool Input, bool Inside>
inline void forward(const Patch &p, const float *from, float *to, int64_t step) {
  constexpr int N = M + 2, S = Input ? N : M;
  Vector half[S][N];
#pragma GCC unroll 6
  for (int j = 0; j < S; j++) {
    Vector d[S];
#pragma GCC unroll 6
    for (int i = 0; i < S; i++) {
      if (Inside || (i >= p.begin[0] && i < p.end[0] && j >= p.begin[1] && j < p.end[1]))
        d[i] = load(from + i * p.row + j * p.pixel);
      else
        d[i] = Vector{};
    }
    if constexpr (Input)
      Transform<M>::input(d, half[j]);
    else
      Transform<M>::output(d, half[j]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < N; i++) {
    Vector d[S], v[N];
#pragma GCC unroll 6
    for (int j = 0; j < S; j++) d[j] = half[j][i];
    if constexpr (Input)
      Transform<M>::input(d, v);
    else
      Transform<M>::output(d, v);
#pragma GCC unroll 6
    for (int j = 0; j < N; j++) store(to + (i * N + j) * step, v[j]);
  }
}

// transform makes the matrices of a block of tiles, [channels/L, positions, rows, L]; `size` is of the image that the
// tiles are cut from.
template <int M, bool Input>
static void transform(const WinogradWeights &w, const float *image, int64_t first, int64_t count, int64_t rows,
                      float *to) {
  constexpr int N = M + 2, S = Input ? N : M;
  const int64_t channels = Input ? w.channels : w.filters, height = Input ? w.height : w.out_height;
  const int64_t width = Input ? w.width : w.out_width, top = Input ? w.top : 0, left = Input ? w.left : 0;
  const int64_t down = (w.out_height + M - 1) / M, across = (w.out_width + M - 1) / M;
  int64_t column = first % across, row = first / across % down, n = first / across / down;
  for (int64_t t = 0; t < count; t++) {
    Patch p;
    const int64_t y = row * M - top, x = column * M - left;
    p.pixel = channels, p.row = width * channels;
    const int64_t at = ((n * height + y) * width + x) * channels;
    p.begin[0] = y < 0 ? int(-y) : 0, p.begin[1] = x < 0 ? int(-x) : 0;
    p.end[0] = y + S > height ? int(height - y) : S, p.end[1] = x + S > width ? int(width - x) : S;
    const bool inside = p.begin[0] == 0 && p.begin[1] == 0 && p.end[0] == S && p.end[1] == S;
    float *out = to + t * L;
    if (inside)
      for (int64_t c = 0; c < channels; c += L, out += N * N * rows * L)
        forward<M, Input, true>(p, image + at + c, out, rows * L);
    else
      for (int64_t c = 0; c < channels; c += L, out += N * N * rows * L)
        forward<M, Input, false>(p, image + at + c, out, rows * L);
    if (++column == across) {
      column = 0;
      if (++row == down) row = 0, n++;
    }
  }
}

// Ahead is memory that the next block will read. It is brought into the cache, line by line, while the processor
// multiplies.
struct Ahead {
  const char *at[2], *end[2];  // in X and dY

  // lines gives where the next n lines are and how far from each other, which is 0 where there is nothing more.
  inline const char *lines(int64_t n, int64_t *step) {
    const int i = at[0] < end[0] ? 0 : 1;
    const char *from = at[i];
    *step = from < end[i] ? 64 : 0;
    at[i] += n * *step;
    return from;
  }
};

// pixels finds the rows of the images that tiles [first, end) are cut from.
template <int M, bool Input>
static void pixels(const WinogradWeights &w, const float *image, int64_t first, int64_t end, const char **at,
                   const char **to) {
  constexpr int S = Input ? M + 2 : M;
  const int64_t channels = Input ? w.channels : w.filters, height = Input ? w.height : w.out_height;
  const int64_t width = Input ? w.width : w.out_width, top = Input ? w.top : 0;
  const int64_t down = (w.out_height + M - 1) / M, across = (w.out_width + M - 1) / M;
  int64_t rows[2];
  for (int i = 0; i < 2; i++) {
    const int64_t tile = i ? end - 1 : first, row = tile / across % down * M - top + (i ? S : 0);
    rows[i] = tile / across / down * height + (row < 0 ? 0 : row > height ? height : row);
  }
  *at = reinterpret_cast<const char *>(image + rows[0] * width * channels);
  *to = reinterpret_cast<const char *>(image + rows[1] * width * channels);
}

// multiply computes sum[r, v] = Σ_t a[t, r]·b[v, t], with `panel` floats between the vectors b[v].
template <int R, int V>
inline void multiply(const float *a, const float *b, int64_t panel, int64_t count, float *sum, Ahead &ahead) {
  int64_t step;
  const char *line = ahead.lines(count, &step);
  Vector s[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) s[r][v] = Vector{};
  for (int64_t t = 0; t < count; t++, line += step) {
    __builtin_prefetch(line, 0, 2);
    Vector k[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) k[v] = load(b + v * panel + t * L);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) s[r][v] += a[t * L + r] * k[v];
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) store(sum + (r * V + v) * L, s[r][v]);
}

// pairs computes the gradient between R channels and V·L filters, whose matrices are at a and b, with `far` floats from
// one block of filters to the next in b and in dw.
template <int M, int R, int V>
static void pairs(const float *a, const float *b, int64_t far, int64_t rows, int64_t count, float *sums, bool add,
                  float *dw, int64_t dw_far, Ahead &ahead) {
  // One more vector: positions shall not fall on the same lines of the cache.
  constexpr int N = M + 2, kStep = (R * V + 1) * L;
  for (int i = 0; i < N * N; i++)
    multiply<R, V>(a + i * rows * L, b + i * rows * L, far, count, sums + i * kStep, ahead);
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) {
      const float *u = sums + (r * V + v) * L;
      Vector half[N][3];
#pragma GCC unroll 6
      for (int j = 0; j < N; j++) {
        Vector d[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; i++) d[i] = load(u + (i * N + j) * kStep);
        Transform<M>::back(d, half[j]);
      }
      float *to = dw + v * dw_far + r * 9 * L;
#pragma GCC unroll 3
      for (int i = 0; i < 3; i++) {
        Vector d[N], g[3];
#pragma GCC unroll 6
        for (int j = 0; j < N; j++) d[j] = half[j][i];
        Transform<M>::back(d, g);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) store(to + (i * 3 + j) * L, add ? load(to + (i * 3 + j) * L) + g[j] : g[j]);
      }
    }
}

template <int M>
static void tiles(const WinogradWeights &w, int64_t images, const float *x, const float *dy, float *dw,
                  float *scratch) {
  constexpr int N = M + 2;
  const int64_t all = w.tiles(images), block = w.block(images), rows = block | 1;
  const int64_t panel = N * N * rows * L, cs = w.channels / L, ks = w.filters / L;
  float *const in = scratch, *const out = in + cs * panel, *const sums = out + ks * panel;
  for (int64_t first = 0; first < all; first += block) {
    const int64_t count = all - first < block ? all - first : block;
    transform<M, true>(w, x, first, count, rows, in);
    transform<M, false>(w, dy, first, count, rows, out);
    const bool add = first > 0;
    const int64_t next = first + count, end = all - next < block ? all : next + block;
    Ahead ahead{};
    if (next < all) {
      pixels<M, true>(w, x, next, end, &ahead.at[0], &ahead.end[0]);
      pixels<M, false>(w, dy, next, end, &ahead.at[1], &ahead.end[1]);
    }
    int64_t k = 0;
    for (; k + 2 <= ks; k += 2)
      for (int64_t c = 0; c < cs; c++)
        for (int64_t r = 0; r < L; r += L / 2)
          pairs<M, L / 2, 2>(in + c * panel + r, out + k * panel, panel, rows, count, sums, add,
                             dw + ((k * cs + c) * L + r) * 9 * L, cs * 9 * L * L, ahead);
    for (; k < ks; k++)
      for (int64_t c = 0; c < cs; c++)
        pairs<M, L, 1>(in + c * panel, out + k * panel, panel, rows, count, sums, add, dw + (k * cs + c) * 9 * L * L, 0,
                       ahead);
  }
}

static void gradient(const WinogradWeights &w, int64_t images, const float *x, const float *dy, float *dw,
                     float *scratch) {
  if (w.tile == 4)
    tiles<4>(w, images, x, dy, dw, scratch);
  else
    tiles<2>(w, images, x, dy, dw, scratch);
}

// sum: from [filters/L, channels/L, channel, place, filter] to OIHW.
static void sum(const WinogradWeights &w, const float *const *slices, int64_t count, float *oihw, int64_t begin,
                int64_t end) {
  const int64_t cs = w.channels / L, size = 9 * L * L;
  float total[9 * L * L];
  for (int64_t k = begin; k < end; k++)
    for (int64_t c = 0; c < cs; c++) {
      const int64_t at = (k * cs + c) * size;
      for (int64_t i = 0; i < size; i += L) {
        Vector s = load(slices[0] + at + i);
        for (int64_t n = 1; n < count; n++) s += load(slices[n] + at + i);
        store(total + i, s);
      }
      float *to = oihw + (k * L * w.channels + c * L) * 9;
      for (int64_t f = 0; f < L; f++, to += w.channels * 9)
        for (int64_t i = 0; i < 9 * L; i++) to[i] = total[i * L + f];
    }
}

static const WeightsLoops table = {WIDTH, gradient, sum};

}  // namespace NAMESPACE
}  // namespace ordo
