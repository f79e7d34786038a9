// The loops for vectors of WIDTH floats, in the namespace NAMESPACE; loops.cpp includes this file once for each. It is
// compiled for processors that ordo may not run on, so it must not instantiate anything that other files share, such as
// std::min.

namespace ordo {
namespace NAMESPACE {

// Vector is any unaligned run of W floats, Mask the result of comparing two.
template <int W>
struct Types {
  typedef float Vector __attribute__((vector_size(4 * W), aligned(4), may_alias));
  typedef int32_t Mask __attribute__((vector_size(4 * W), aligned(4), may_alias));
  typedef uint8_t Bytes __attribute__((vector_size(W), aligned(1), may_alias));
};
template <int W>
using Vector = typename Types<W>::Vector;
template <int W>
using Mask = typename Types<W>::Mask;
template <int W>
using Bytes = typename Types<W>::Bytes;

template <int W>
inline Vector<W> &at(float *p) { return *reinterpret_cast<Vector<W> *>(p); }
template <int W>
inline const Vector<W> &at(const float *p) { return *reinterpret_cast<const Vector<W> *>(p); }

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// EACH runs body<W>(i) over [0, n) in steps of the widest vectors that fit.
template <int W>
struct Step {};
#define EACH(n, body)                                          \
  do {                                                         \
    int64_t i_ = 0;                                            \
    for (; i_ + WIDTH <= (n); i_ += WIDTH) body(Step<WIDTH>{}, i_); \
    if (WIDTH > 8)                                             \
      for (; i_ + 8 <= (n); i_ += 8) body(Step<8>{}, i_);      \
    for (; i_ + 4 <= (n); i_ += 4) body(Step<4>{}, i_);        \
    for (; i_ < (n); i_++) body(Step<1>{}, i_);                \
  } while (0)

static void transpose(const float *x, float *y, int64_t rows, int64_t columns) {
  const int64_t tile = 16;
  for (int64_t i = 0; i < rows; i += tile)
    for (int64_t j = 0; j < columns; j += tile) {
      const int64_t ie = smaller(i + tile, rows), je = smaller(j + tile, columns);
      for (int64_t b = j; b < je; b++)
        for (int64_t a = i; a < ie; a++) y[b * rows + a] = x[a * columns + b];
    }
}

struct Add {
  float *dst;
  const float *src;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(dst + i) += at<W>(src + i); }
};
static void add(float *dst, const float *src, int64_t n) {
  Add body{dst, src};
  EACH(n, body);
}

static void to_bf16(const float *x, uint16_t *y, int64_t n) {
  const uint32_t *bits = reinterpret_cast<const uint32_t *>(x);
  for (int64_t i = 0; i < n; i++) {
    uint32_t v;
    __builtin_memcpy(&v, bits + i, 4);
    const uint32_t rounded = (v + 0x7fff + ((v >> 16) & 1)) >> 16;
    y[i] = static_cast<uint16_t>((v & 0x7fffffff) > 0x7f800000 ? (v >> 16) | 0x40 : rounded);
  }
}

// The loops of a batch norm go down the rows with values by channel. ROWS runs body.strip<W, N>(rows) where N vectors
// of W channels are all that a row has: those values stay in registers. Else it runs body.some<W, R>(from, stride, i)
// for channels i to i + W of R rows at once, which halves the loads of those values or quarters them, and asks for the
// rows after these in the order of memory: out of the caches, another order takes twice the time.
#define ROWS(rows, channels, body)                                          \
  do {                                                                      \
    if ((channels) == WIDTH) {                                              \
      body.template strip<WIDTH, 1>(rows);                                  \
    } else if ((channels) == 2 * WIDTH) {                                   \
      body.template strip<WIDTH, 2>(rows);                                  \
    } else if ((channels) == 4 * WIDTH) {                                   \
      body.template strip<WIDTH, 4>(rows);                                  \
    } else {                                                                \
      const int most_ = decltype(body)::kMost;                              \
      int64_t r_ = 0;                                                       \
      for (; r_ + most_ <= (rows); r_ += most_) {                           \
        Some<decltype(body), most_> some_{body, r_ * (channels), channels}; \
        EACH(channels, some_);                                              \
      }                                                                     \
      for (; r_ < (rows); r_++) {                                           \
        Some<decltype(body), 1> some_{body, r_ * (channels), channels};     \
        EACH(channels, some_);                                              \
      }                                                                     \
    }                                                                       \
  } while (0)
template <class Body, int R>
struct Some {
  Body body;
  int64_t from, stride;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { body.template some<W, R>(from, stride, i); }
};
// ahead asks for R vectors of the next R rows.
template <int W, int R>
inline void ahead(const float *p, int64_t stride, int64_t i) {
  for (int k = 0; k < R && R > 1 && W == WIDTH; k++) __builtin_prefetch(p + R * (stride + i) + k * W);
}

// Held are values of N·W channels.
template <int W, int N>
struct Held {
  Vector<W> v[N];
  Held() : v{} {}
  explicit Held(const float *p) {
    for (int k = 0; k < N; k++) v[k] = at<W>(p + k * W);
  }
  void add_to(float *p) const {
    for (int k = 0; k < N; k++) at<W>(p + k * W) += v[k];
  }
  void add(const Held &h) {
    for (int k = 0; k < N; k++) v[k] += h.v[k];
  }
};

struct Moments {
  const float *x, *center;
  float *sum, *square;
  static const int kMost = 4;
  template <int W>
  static inline void four(const float *p, int64_t stride, const Vector<W> &m, Vector<W> &s, Vector<W> &q) {
    const Vector<W> a = at<W>(p) - m, b = at<W>(p + stride) - m, c = at<W>(p + 2 * stride) - m,
                    d = at<W>(p + 3 * stride) - m;
    s += (a + b) + (c + d);
    q += (a * a + b * b) + (c * c + d * d);
  }
  template <int W>
  static inline void one(const float *p, const Vector<W> &m, Vector<W> &s, Vector<W> &q) {
    const Vector<W> a = at<W>(p) - m;
    s += a;
    q += a * a;
  }
  template <int W, int R>
  inline void some(int64_t from, int64_t stride, int64_t i) const {
    ahead<W, R>(x + from, stride, i);
    if (R == 4)
      four<W>(x + from + i, stride, at<W>(center + i), at<W>(sum + i), at<W>(square + i));
    else
      one<W>(x + from + i, at<W>(center + i), at<W>(sum + i), at<W>(square + i));
  }
  template <int W, int N>
  inline void strip(int64_t rows) const {
    const Held<W, N> m(center);
    Held<W, N> s, q;
    const float *p = x;
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, p += 4 * N * W)
      for (int k = 0; k < N; k++) four<W>(p + k * W, N * W, m.v[k], s.v[k], q.v[k]);
    for (; r < rows; r++, p += N * W)
      for (int k = 0; k < N; k++) one<W>(p + k * W, m.v[k], s.v[k], q.v[k]);
    s.add_to(sum);
    q.add_to(square);
  }
};
static void moments(const float *x, int64_t rows, int64_t channels, const float *center, float *sum, float *square) {
  for (int64_t i = 0; i < channels; i++) sum[i] = square[i] = 0;
  Moments body{x, center, sum, square};
  ROWS(rows, channels, body);
}

static void join(double n, double *mean, double *squares, double count, float *center, const float *sum,
                 const float *square, int64_t channels) {
  const double total = n + count, share = count / total, weight = n * count / total;
  for (int64_t i = 0; i < channels; i++) {
    const double s = sum[i], delta = center[i] + s / count - mean[i];
    squares[i] += square[i] - s * s / count + delta * delta * weight;
    mean[i] += delta * share;
    center[i] = static_cast<float>(mean[i]);
  }
}

// AFFINE is what a batch norm makes of x. Its gradient computes it anew to know where a ReLU let through, to the same
// bit: one multiplication and one addition, which all compilers join, or none does.
#define AFFINE(x, mean, factor, bias) (((x) - (mean)) * (factor) + (bias))

template <bool Residual, bool Relu>
struct Normalize {
  const float *x, *residual;
  float *y;
  const float *mean, *factor, *bias;
  static const int kMost = 1;
  template <int W>
  inline void one(int64_t o, const Vector<W> &m, const Vector<W> &f, const Vector<W> &b) const {
    const Vector<W> zero = {};
    Vector<W> z = AFFINE(at<W>(x + o), m, f, b);
    if (Residual) z += at<W>(residual + o);
    // A NaN is not less than zero and stays.
    if (Relu) z = z < zero ? zero : z;
    at<W>(y + o) = z;
  }
  template <int W, int R>
  inline void some(int64_t from, int64_t stride, int64_t i) const {
    ahead<W, R>(x + from, stride, i);
    if (Residual) ahead<W, R>(residual + from, stride, i);
    const Vector<W> m = at<W>(mean + i), f = at<W>(factor + i), b = at<W>(bias + i);
    for (int r = 0; r < R; r++) one<W>(from + r * stride + i, m, f, b);
  }
  template <int W, int N>
  inline void strip(int64_t rows) const {
    const Held<W, N> m(mean), f(factor), b(bias);
    for (int64_t r = 0, o = 0; r < rows; r++, o += N * W)
      for (int k = 0; k < N; k++) one<W>(o + k * W, m.v[k], f.v[k], b.v[k]);
  }
};
template <bool Residual, bool Relu>
static void normalize_as(const float *x, const float *residual, float *y, int64_t rows, int64_t channels,
                         const float *mean, const float *factor, const float *bias) {
  Normalize<Residual, Relu> body{x, residual, y, mean, factor, bias};
  ROWS(rows, channels, body);
}
static void normalize(const float *x, const float *residual, float *y, int64_t rows, int64_t channels,
                      const float *mean, const float *factor, const float *bias, bool relu) {
  if (residual && relu) normalize_as<true, true>(x, residual, y, rows, channels, mean, factor, bias);
  if (residual && !relu) normalize_as<true, false>(x, residual, y, rows, channels, mean, factor, bias);
  if (!residual && relu) normalize_as<false, true>(x, residual, y, rows, channels, mean, factor, bias);
  if (!residual && !relu) normalize_as<false, false>(x, residual, y, rows, channels, mean, factor, bias);
}

// What a gradient loop does is fixed when it is compiled: how it knows where the ReLU let through, whether there is a
// second gradient to be added, and whether dz is kept.
enum Gate { kOpen, kByY, kByX };

template <Gate G, bool Two, bool Keep>
struct GradientSums {
  const float *dy, *dy2, *y, *x;
  float *dz;
  const float *mean, *factor, *bias;
  float *sum, *product;
  static const int kMost = Keep ? 1 : 4;
  template <int W>
  inline void one(int64_t o, const Vector<W> &m, const Vector<W> &f, const Vector<W> &b, Vector<W> &s,
                  Vector<W> &p) const {
    const Vector<W> zero = {}, z = at<W>(x + o);
    Vector<W> g = at<W>(dy + o);
    if (Two) g += at<W>(dy2 + o);
    if (G == kByY) g = at<W>(y + o) > zero ? g : zero;
    if (G == kByX) g = AFFINE(z, m, f, b) > zero ? g : zero;
    if (Keep) at<W>(dz + o) = g;
    s += g;
    p += g * (z - m);
  }
  template <int W, int R>
  inline void some(int64_t from, int64_t stride, int64_t i) const {
    ahead<W, R>(x + from, stride, i);
    ahead<W, R>(dy + from, stride, i);
    if (Two) ahead<W, R>(dy2 + from, stride, i);
    if (G == kByY) ahead<W, R>(y + from, stride, i);
    const int64_t j = G == kByX ? i : 0;
    const Vector<W> m = at<W>(mean + i), f = at<W>(factor + j), b = at<W>(bias + j);
    Vector<W> s = {}, p = {};
    for (int r = 0; r < R; r++) one<W>(from + r * stride + i, m, f, b, s, p);
    at<W>(sum + i) += s;
    at<W>(product + i) += p;
  }
  template <int W, int N>
  inline void strip(int64_t rows) const {
    const Held<W, N> m(mean), f(factor), b(bias);
    Held<W, N> s, p;
    int64_t r = 0, o = 0;
    for (; r + 4 <= rows; r += 4, o += 4 * N * W) {
      Held<W, N> few_s, few_p;
      for (int j = 0; j < 4; j++)
        for (int k = 0; k < N; k++) one<W>(o + (j * N + k) * W, m.v[k], f.v[k], b.v[k], few_s.v[k], few_p.v[k]);
      s.add(few_s);
      p.add(few_p);
    }
    for (; r < rows; r++, o += N * W)
      for (int k = 0; k < N; k++) one<W>(o + k * W, m.v[k], f.v[k], b.v[k], s.v[k], p.v[k]);
    s.add_to(sum);
    p.add_to(product);
  }
};
template <Gate G, bool Two, bool Keep>
static void gradient_sums_as(const NormGradient &n, int64_t rows, int64_t channels, float *sum, float *product) {
  const bool gate = G == kByX;
  GradientSums<G, Two, Keep> body{
      n.dy, n.dy2, n.y, n.x, n.dz, n.mean, gate ? n.factor : n.mean, gate ? n.bias : n.mean, sum, product};
  ROWS(rows, channels, body);
}
template <Gate G>
static void gradient_sums_by(const NormGradient &n, int64_t rows, int64_t channels, float *sum, float *product) {
  if (n.dy2)
    gradient_sums_as<G, true, true>(n, rows, channels, sum, product);
  else if (n.dz)
    gradient_sums_as<G, false, true>(n, rows, channels, sum, product);
  else
    gradient_sums_as<G, false, false>(n, rows, channels, sum, product);
}
static void gradient_sums(const NormGradient &n, int64_t rows, int64_t channels, float *sum, float *product) {
  for (int64_t i = 0; i < channels; i++) sum[i] = product[i] = 0;
  if (n.y)
    gradient_sums_by<kByY>(n, rows, channels, sum, product);
  else if (n.bias)
    gradient_sums_by<kByX>(n, rows, channels, sum, product);
  else
    gradient_sums_by<kOpen>(n, rows, channels, sum, product);
}

template <Gate G>
struct Gradient {
  const float *dy, *y, *x;
  float *dx;
  const float *mean, *factor, *bias, *a, *b, *c;
  static const int kMost = 1;
  template <int W>
  inline void one(int64_t o, const Vector<W> &m, const Vector<W> &f, const Vector<W> &h, const Vector<W> &va,
                  const Vector<W> &vb, const Vector<W> &vc) const {
    const Vector<W> zero = {}, z = at<W>(x + o);
    Vector<W> g = at<W>(dy + o);
    if (G == kByY) g = at<W>(y + o) > zero ? g : zero;
    if (G == kByX) g = AFFINE(z, m, f, h) > zero ? g : zero;
    at<W>(dx + o) = va * g + (vb * (z - m) + vc);
  }
  template <int W, int R>
  inline void some(int64_t from, int64_t stride, int64_t i) const {
    ahead<W, R>(x + from, stride, i);
    ahead<W, R>(dy + from, stride, i);
    if (G == kByY) ahead<W, R>(y + from, stride, i);
    const int64_t j = G == kByX ? i : 0;
    const Vector<W> m = at<W>(mean + i), f = at<W>(factor + j), h = at<W>(bias + j);
    const Vector<W> va = at<W>(a + i), vb = at<W>(b + i), vc = at<W>(c + i);
    for (int r = 0; r < R; r++) one<W>(from + r * stride + i, m, f, h, va, vb, vc);
  }
  template <int W, int N>
  inline void strip(int64_t rows) const {
    const Held<W, N> m(mean), f(factor), h(bias), va(a), vb(b), vc(c);
    for (int64_t r = 0, o = 0; r < rows; r++, o += N * W)
      for (int k = 0; k < N; k++) one<W>(o + k * W, m.v[k], f.v[k], h.v[k], va.v[k], vb.v[k], vc.v[k]);
  }
};
template <Gate G>
static void gradient_by(const NormGradient &n, const float *dz, float *dx, int64_t rows, int64_t channels,
                        const float *a, const float *b, const float *c) {
  const bool gate = G == kByX;
  Gradient<G> body{dz, n.y, n.x, dx, n.mean, gate ? n.factor : n.mean, gate ? n.bias : n.mean, a, b, c};
  ROWS(rows, channels, body);
}
static void gradient(const NormGradient &n, float *dx, int64_t rows, int64_t channels, const float *a, const float *b,
                     const float *c) {
  if (n.dz)
    gradient_by<kOpen>(n, n.dz, dx, rows, channels, a, b, c);
  else if (n.y)
    gradient_by<kByY>(n, n.dy, dx, rows, channels, a, b, c);
  else if (n.bias)
    gradient_by<kByX>(n, n.dy, dx, rows, channels, a, b, c);
  else
    gradient_by<kOpen>(n, n.dy, dx, rows, channels, a, b, c);
}

// Reach is the part [begin, end) of a window's places along one axis that lie within the image.
struct Reach {
  int64_t begin, end, origin;
  Reach(const Window &w, int axis, int64_t out) {
    const int64_t size = axis ? w.width : w.height, d = w.dilations[axis];
    origin = out * w.strides[axis] - w.pads[axis];
    begin = origin >= 0 ? 0 : (-origin + d - 1) / d;
    end = smaller(w.kernel[axis], size <= origin ? 0 : (size - origin + d - 1) / d);
    if (end < begin) end = begin;
  }
};

struct MaxPool {
  const Window &w;
  const float *x;
  const Reach &v, &h;
  float *y;
  uint8_t *index;
  template <int W>
  inline void operator()(Step<W>, int64_t c) const {
    Vector<W> best = Vector<W>{} - __builtin_inff();
    Mask<W> where = Mask<W>{} + static_cast<int32_t>(v.begin * w.kernel[1] + h.begin);
    for (int64_t i = v.begin; i < v.end; i++)
      for (int64_t j = h.begin; j < h.end; j++) {
        const int64_t row = v.origin + i * w.dilations[0], column = h.origin + j * w.dilations[1];
        const Vector<W> z = at<W>(x + (row * w.width + column) * w.channels + c);
        const Mask<W> better = (z > best) | (z != z);  // the last NaN wins over all
        best = better ? z : best;
        where = better ? Mask<W>{} + static_cast<int32_t>(i * w.kernel[1] + j) : where;
      }
    at<W>(y + c) = best;
    if (index) *reinterpret_cast<Bytes<W> *>(index + c) = __builtin_convertvector(where, Bytes<W>);
  }
};
static void max_pool(const Window &w, const float *x, int64_t row, float *y, uint8_t *index) {
  const Reach v(w, 0, row);
  for (int64_t o = 0; o < w.out_width; o++) {
    const Reach h(w, 1, o);
    MaxPool body{w, x, v, h, y + o * w.channels, index ? index + o * w.channels : nullptr};
    EACH(w.channels, body);
  }
}

// Covering are the windows [begin, end) along one axis that may reach a place of the image.
struct Covering {
  int64_t begin, end;
  Covering(const Window &w, int axis, int64_t place) {
    const int64_t p = place + w.pads[axis], s = w.strides[axis], span = (w.kernel[axis] - 1) * w.dilations[axis];
    begin = p <= span ? 0 : (p - span + s - 1) / s;
    end = smaller(p / s + 1, axis ? w.out_width : w.out_height);
  }
};
// place_in gives which of a window's places along one axis is this place of the image, or -1.
inline int64_t place_in(const Window &w, int axis, int64_t out, int64_t place) {
  const int64_t offset = place + w.pads[axis] - out * w.strides[axis];
  if (w.dilations[axis] == 1) return offset;  // divisions would take longer than all else
  return offset % w.dilations[axis] ? -1 : offset / w.dilations[axis];
}

struct Zero {
  float *y;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(y + i) = Vector<W>{}; }
};
// MaxPoolGradient adds the gradient of one maximum to the places [begin, end) of a row of its window, of which one or
// none is where it was.
struct MaxPoolGradient {
  const float *dy;
  const uint8_t *index;
  float *dx;  // of place 0
  int64_t step, begin, end;
  int32_t first;  // index of place 0
  template <int W>
  inline void operator()(Step<W>, int64_t c) const {
    const Mask<W> where = __builtin_convertvector(*reinterpret_cast<const Bytes<W> *>(index + c), Mask<W>) - first;
    const Vector<W> g = at<W>(dy + c), zero = {};
    for (int64_t b = begin; b < end; b++) at<W>(dx + b * step + c) += where == static_cast<int32_t>(b) ? g : zero;
  }
};
static void max_pool_gradient(const Window &w, const float *dy, const uint8_t *index, int64_t row, float *dx) {
  Zero zero{dx};
  EACH(w.width * w.channels, zero);
  const Covering v(w, 0, row);
  for (int64_t i = v.begin; i < v.end; i++) {
    const int64_t a = place_in(w, 0, i, row);
    if (a < 0) continue;
    for (int64_t o = 0; o < w.out_width; o++) {
      const Reach h(w, 1, o);
      const int64_t at_output = (i * w.out_width + o) * w.channels;
      MaxPoolGradient body{dy + at_output,           index + at_output, dx + h.origin * w.channels,
                           w.dilations[1] * w.channels, h.begin,           h.end,
                           static_cast<int32_t>(a * w.kernel[1])};
      EACH(w.channels, body);
    }
  }
}

// divisor is what an average is over: the places in the image, or those in the image and its padding.
inline float divisor(const Window &w, int64_t row, int64_t column) {
  const Reach v(w, 0, row), h(w, 1, column);
  if (!w.count_padding) return static_cast<float>((v.end - v.begin) * (h.end - h.begin));
  int64_t n[2];
  for (int axis = 0; axis < 2; axis++) {
    const int64_t left = (axis ? w.width + w.pads[3] : w.height + w.pads[2]) - (axis ? h.origin : v.origin);
    n[axis] = smaller(w.kernel[axis], (left + w.dilations[axis] - 1) / w.dilations[axis]);
  }
  return static_cast<float>(n[0] * n[1]);
}

struct AveragePool {
  const Window &w;
  const float *x;
  const Reach &v, &h;
  float scale;
  float *y;
  template <int W>
  inline void operator()(Step<W>, int64_t c) const {
    Vector<W> sum = {};
    for (int64_t i = v.begin; i < v.end; i++) {
      Vector<W> line = {};
      for (int64_t j = h.begin; j < h.end; j++)
        line += at<W>(x + ((v.origin + i * w.dilations[0]) * w.width + h.origin + j * w.dilations[1]) * w.channels + c);
      sum += line;
    }
    at<W>(y + c) = sum / scale;
  }
};
static void average_pool(const Window &w, const float *x, int64_t row, float *y) {
  const Reach v(w, 0, row);
  for (int64_t o = 0; o < w.out_width; o++) {
    const Reach h(w, 1, o);
    AveragePool body{w, x, v, h, divisor(w, row, o), y + o * w.channels};
    EACH(w.channels, body);
  }
}

struct AddScaled {
  const float *x;
  float scale;
  float *y;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(y + i) += at<W>(x + i) * scale; }
};
static void average_pool_gradient(const Window &w, const float *dy, int64_t row, float *dx) {
  const Covering v(w, 0, row);
  for (int64_t column = 0; column < w.width; column++, dx += w.channels) {
    Zero zero{dx};
    EACH(w.channels, zero);
    const Covering h(w, 1, column);
    for (int64_t i = v.begin; i < v.end; i++)
      for (int64_t j = h.begin; j < h.end; j++) {
        if (place_in(w, 0, i, row) < 0 || place_in(w, 1, j, column) < 0) continue;
        AddScaled body{dy + (i * w.out_width + j) * w.channels, 1 / divisor(w, i, j), dx};
        EACH(w.channels, body);
      }
  }
}

struct AddProduct {
  const float *x, *y;
  float *sum;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(sum + i) += at<W>(x + i) * at<W>(y + i); }
};

// columns are the outputs [begin, end) along the width whose place j of the window lies within the image.
struct Columns {
  int64_t begin, end, offset;
  Columns(const Window &w, int64_t j) {
    offset = j * w.dilations[1] - w.pads[1];
    const int64_t s = w.strides[1];
    begin = offset >= 0 ? 0 : (-offset + s - 1) / s;
    end = smaller(w.out_width, w.width <= offset ? 0 : (w.width - offset + s - 1) / s);
  }
};

static void depthwise_input(const Window &w, const float *dy, const float *weights, float *dx) {
  const int64_t line = w.width * w.channels;
  for (int64_t row = 0; row < w.height; row++, dx += line) {
    Zero zero{dx};
    EACH(line, zero);
    const Covering v(w, 0, row);
    for (int64_t i = v.begin; i < v.end; i++) {
      const int64_t a = place_in(w, 0, i, row);
      if (a < 0) continue;
      for (int64_t b = 0; b < w.kernel[1]; b++) {
        const Columns q(w, b);
        for (int64_t o = q.begin; o < q.end; o++) {
          AddProduct body{dy + (i * w.out_width + o) * w.channels, weights + (a * w.kernel[1] + b) * w.channels,
                          dx + (o * w.strides[1] + q.offset) * w.channels};
          EACH(w.channels, body);
        }
      }
    }
  }
}

struct AddProducts {
  const float *x, *dy;
  int64_t x_stride, dy_stride;
  float *sum;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    const Vector<W> a = at<W>(x + i) * at<W>(dy + i), b = at<W>(x + x_stride + i) * at<W>(dy + dy_stride + i);
    const Vector<W> c = at<W>(x + 2 * x_stride + i) * at<W>(dy + 2 * dy_stride + i);
    const Vector<W> d = at<W>(x + 3 * x_stride + i) * at<W>(dy + 3 * dy_stride + i);
    at<W>(sum + i) += (a + b) + (c + d);
  }
};
static void depthwise_weights(const Window &w, const float *x, const float *dy, float *dw) {
  const int64_t step = w.strides[1] * w.channels;
  for (int64_t i = 0; i < w.out_height; i++) {
    const Reach v(w, 0, i);
    for (int64_t a = v.begin; a < v.end; a++)
      for (int64_t b = 0; b < w.kernel[1]; b++) {
        const Columns q(w, b);
        float *sum = dw + (a * w.kernel[1] + b) * w.channels;
        const float *xs = x + ((v.origin + a * w.dilations[0]) * w.width + q.offset) * w.channels;
        const float *ys = dy + i * w.out_width * w.channels;
        int64_t o = q.begin;
        for (; o + 4 <= q.end; o += 4) {
          AddProducts body{xs + o * step, ys + o * w.channels, step, w.channels, sum};
          EACH(w.channels, body);
        }
        for (; o < q.end; o++) {
          AddProduct body{xs + o * step, ys + o * w.channels, sum};
          EACH(w.channels, body);
        }
      }
  }
}

const Loops table = {32 * WIDTH,    transpose,     add,      to_bf16,           moments,      join,
                     normalize,     gradient_sums, gradient, max_pool,          max_pool_gradient,
                     average_pool,  average_pool_gradient,   depthwise_input,   depthwise_weights};

#undef EACH
#undef ROWS
#undef AFFINE
}  // namespace NAMESPACE
}  // namespace ordo
