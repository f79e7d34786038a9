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
  typedef uint32_t Bits __attribute__((vector_size(4 * W), aligned(4), may_alias));
  typedef uint16_t Halves __attribute__((vector_size(2 * W), aligned(2), may_alias));
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

// load and store are for activations, of either type.
template <int W>
inline Vector<W> load(const float *p) { return at<W>(p); }
template <int W>
inline void store(float *p, const Vector<W> &v) { at<W>(p) = v; }
template <int W>
inline Vector<W> load(const bf16 *p) {
  typedef typename Types<W>::Bits Bits;
  return (Vector<W>)(__builtin_convertvector(*reinterpret_cast<const typename Types<W>::Halves *>(p), Bits) << 16);
}
template <int W>
inline void store(bf16 *p, const Vector<W> &v) {
  typedef typename Types<W>::Bits Bits;
  typedef typename Types<W>::Halves Halves;
  const Bits bits = (Bits)v, nearest = bits + 0x7fff + ((bits >> 16) & 1);
  const Bits nan = (Bits)(v != v);
  const Bits kept = ((nearest & ~nan) | ((bits | 0x400000) & nan)) >> 16;
  *reinterpret_cast<Halves *>(p) = __builtin_convertvector(kept, Halves);
}

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

struct Round {
  const float *x;
  bf16 *y;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { store<W>(y + i, at<W>(x + i)); }
};
static void round(const float *x, bf16 *y, int64_t n) {
  Round body{x, y};
  EACH(n, body);
}

struct Widen {
  const bf16 *x;
  float *y;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(y + i) = load<W>(x + i); }
};
static void widen(const bf16 *x, float *y, int64_t n) {
  Widen body{x, y};
  EACH(n, body);
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
template <int W, int R, class E>
inline void ahead(const E *p, int64_t stride, int64_t i) {
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

template <class E>
struct Moments {
  const E *x;
  const float *center;
  float *sum, *square;
  static const int kMost = 4;
  template <int W>
  static inline void four(const E *p, int64_t stride, const Vector<W> &m, Vector<W> &s, Vector<W> &q) {
    const Vector<W> a = load<W>(p) - m, b = load<W>(p + stride) - m, c = load<W>(p + 2 * stride) - m,
                    d = load<W>(p + 3 * stride) - m;
    s += (a + b) + (c + d);
    q += (a * a + b * b) + (c * c + d * d);
  }
  template <int W>
  static inline void one(const E *p, const Vector<W> &m, Vector<W> &s, Vector<W> &q) {
    const Vector<W> a = load<W>(p) - m;
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
    const E *p = x;
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, p += 4 * N * W)
      for (int k = 0; k < N; k++) four<W>(p + k * W, N * W, m.v[k], s.v[k], q.v[k]);
    for (; r < rows; r++, p += N * W)
      for (int k = 0; k < N; k++) one<W>(p + k * W, m.v[k], s.v[k], q.v[k]);
    s.add_to(sum);
    q.add_to(square);
  }
};
template <class E>
static void moments(const E *x, int64_t rows, int64_t channels, const float *center, float *sum, float *square) {
  for (int64_t i = 0; i < channels; i++) sum[i] = square[i] = 0;
  Moments<E> body{x, center, sum, square};
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

template <class E, bool Residual, bool Relu>
struct Normalize {
  const E *x, *residual;
  E *y;
  const float *mean, *factor, *bias;
  static const int kMost = 1;
  template <int W>
  inline void one(int64_t o, const Vector<W> &m, const Vector<W> &f, const Vector<W> &b) const {
    const Vector<W> zero = {};
    Vector<W> z = AFFINE(load<W>(x + o), m, f, b);
    if (Residual) z += load<W>(residual + o);
    // A NaN is not less than zero and stays.
    if (Relu) z = z < zero ? zero : z;
    store<W>(y + o, z);
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
template <class E, bool Residual, bool Relu>
static void normalize_as(const E *x, const E *residual, E *y, int64_t rows, int64_t channels,
                         const float *mean, const float *factor, const float *bias) {
  Normalize<E, Residual, Relu> body{x, residual, y, mean, factor, bias};
  ROWS(rows, channels, body);
}
template <class E>
static void normalize(const E *x, const E *residual, E *y, int64_t rows, int64_t channels,
                      const float *mean, const float *factor, const float *bias, bool relu) {
  if (residual && relu) normalize_as<E, true, true>(x, residual, y, rows, channels, mean, factor, bias);
  if (residual && !relu) normalize_as<E, true, false>(x, residual, y, rows, channels, mean, factor, bias);
  if (!residual && relu) normalize_as<E, false, true>(x, residual, y, rows, channels, mean, factor, bias);
  if (!residual && !relu) normalize_as<E, false, false>(x, residual, y, rows, channels, mean, factor, bias);
}

// What a gradient loop does is fixed when it is compiled: how it knows where the ReLU let through, whether there is a
// second gradient to be added, and whether dz is kept.
enum Gate { kOpen, kByY, kByX };

template <class E, Gate G, bool Two, bool Keep>
struct GradientSums {
  const E *dy, *dy2, *y, *x;
  E *dz;
  const float *mean, *factor, *bias;
  float *sum, *product;
  static const int kMost = Keep ? 1 : 4;
  template <int W>
  inline void one(int64_t o, const Vector<W> &m, const Vector<W> &f, const Vector<W> &b, Vector<W> &s,
                  Vector<W> &p) const {
    const Vector<W> zero = {}, z = load<W>(x + o);
    Vector<W> g = load<W>(dy + o);
    if (Two) g += load<W>(dy2 + o);
    if (G == kByY) g = load<W>(y + o) > zero ? g : zero;
    if (G == kByX) g = AFFINE(z, m, f, b) > zero ? g : zero;
    if (Keep) store<W>(dz + o, g);
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
template <class E, Gate G, bool Two, bool Keep>
static void gradient_sums_as(const NormGradient<E> &n, int64_t rows, int64_t channels, float *sum, float *product) {
  const bool gate = G == kByX;
  GradientSums<E, G, Two, Keep> body{
      n.dy, n.dy2, n.y, n.x, n.dz, n.mean, gate ? n.factor : n.mean, gate ? n.bias : n.mean, sum, product};
  ROWS(rows, channels, body);
}
template <class E, Gate G>
static void gradient_sums_by(const NormGradient<E> &n, int64_t rows, int64_t channels, float *sum, float *product) {
  if (n.dy2)
    gradient_sums_as<E, G, true, true>(n, rows, channels, sum, product);
  else if (n.dz)
    gradient_sums_as<E, G, false, true>(n, rows, channels, sum, product);
  else
    gradient_sums_as<E, G, false, false>(n, rows, channels, sum, product);
}
template <class E>
static void gradient_sums(const NormGradient<E> &n, int64_t rows, int64_t channels, float *sum, float *product) {
  for (int64_t i = 0; i < channels; i++) sum[i] = product[i] = 0;
  if (n.y)
    gradient_sums_by<E, kByY>(n, rows, channels, sum, product);
  else if (n.bias)
    gradient_sums_by<E, kByX>(n, rows, channels, sum, product);
  else
    gradient_sums_by<E, kOpen>(n, rows, channels, sum, product);
}

template <class E, Gate G>
struct Gradient {
  const E *dy, *y, *x;
  E *dx;
  const float *mean, *factor, *bias, *a, *b, *c;
  static const int kMost = 1;
  template <int W>
  inline void one(int64_t o, const Vector<W> &m, const Vector<W> &f, const Vector<W> &h, const Vector<W> &va,
                  const Vector<W> &vb, const Vector<W> &vc) const {
    const Vector<W> zero = {}, z = load<W>(x + o);
    Vector<W> g = load<W>(dy + o);
    if (G == kByY) g = load<W>(y + o) > zero ? g : zero;
    if (G == kByX) g = AFFINE(z, m, f, h) > zero ? g : zero;
    store<W>(dx + o, va * g + (vb * (z - m) + vc));
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
template <class E, Gate G>
static void gradient_by(const NormGradient<E> &n, const E *dz, E *dx, int64_t rows, int64_t channels,
                        const float *a, const float *b, const float *c) {
  const bool gate = G == kByX;
  Gradient<E, G> body{dz, n.y, n.x, dx, n.mean, gate ? n.factor : n.mean, gate ? n.bias : n.mean, a, b, c};
  ROWS(rows, channels, body);
}
template <class E>
static void gradient(const NormGradient<E> &n, E *dx, int64_t rows, int64_t channels, const float *a, const float *b,
                     const float *c) {
  if (n.dz)
    gradient_by<E, kOpen>(n, n.dz, dx, rows, channels, a, b, c);
  else if (n.y)
    gradient_by<E, kByY>(n, n.dy, dx, rows, channels, a, b, c);
  else if (n.bias)
    gradient_by<E, kByX>(n, n.dy, dx, rows, channels, a, b, c);
  else
    gradient_by<E, kOpen>(n, n.dy, dx, rows, channels, a, b, c);
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

template <class E>
struct MaxPool {
  const Window &w;
  const E *x;
  const Reach &v, &h;
  E *y;
  uint8_t *index;
  template <int W>
  inline void operator()(Step<W>, int64_t c) const {
    Vector<W> best = Vector<W>{} - __builtin_inff();
    Mask<W> where = Mask<W>{} + static_cast<int32_t>(v.begin * w.kernel[1] + h.begin);
    for (int64_t i = v.begin; i < v.end; i++)
      for (int64_t j = h.begin; j < h.end; j++) {
        const int64_t row = v.origin + i * w.dilations[0], column = h.origin + j * w.dilations[1];
        const Vector<W> z = load<W>(x + (row * w.width + column) * w.channels + c);
        const Mask<W> better = (z > best) | (z != z);  // the last NaN wins over all
        best = better ? z : best;
        where = better ? Mask<W>{} + static_cast<int32_t>(i * w.kernel[1] + j) : where;
      }
    store<W>(y + c, best);
    if (index) *reinterpret_cast<Bytes<W> *>(index + c) = __builtin_convertvector(where, Bytes<W>);
  }
};
template <class E>
static void max_pool(const Window &w, const E *x, int64_t row, E *y, uint8_t *index) {
  const Reach v(w, 0, row);
  for (int64_t o = 0; o < w.out_width; o++) {
    const Reach h(w, 1, o);
    MaxPool<E> body{w, x, v, h, y + o * w.channels, index ? index + o * w.channels : nullptr};
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
template <class E>
struct MaxPoolGradient {
  const E *dy;
  const uint8_t *index;
  float *dx;  // of place 0
  int64_t step, begin, end;
  int32_t first;  // index of place 0
  template <int W>
  inline void operator()(Step<W>, int64_t c) const {
    const Mask<W> where = __builtin_convertvector(*reinterpret_cast<const Bytes<W> *>(index + c), Mask<W>) - first;
    const Vector<W> g = load<W>(dy + c), zero = {};
    for (int64_t b = begin; b < end; b++) at<W>(dx + b * step + c) += where == static_cast<int32_t>(b) ? g : zero;
  }
};
template <class E>
static void max_pool_gradient(const Window &w, const E *dy, const uint8_t *index, int64_t row, float *dx) {
  Zero zero{dx};
  EACH(w.width * w.channels, zero);
  const Covering v(w, 0, row);
  for (int64_t i = v.begin; i < v.end; i++) {
    const int64_t a = place_in(w, 0, i, row);
    if (a < 0) continue;
    for (int64_t o = 0; o < w.out_width; o++) {
      const Reach h(w, 1, o);
      const int64_t at_output = (i * w.out_width + o) * w.channels;
      MaxPoolGradient<E> body{dy + at_output,           index + at_output, dx + h.origin * w.channels,
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

template <class E>
struct AveragePool {
  const Window &w;
  const E *x;
  const Reach &v, &h;
  float scale;
  E *y;
  template <int W>
  inline void operator()(Step<W>, int64_t c) const {
    Vector<W> sum = {};
    for (int64_t i = v.begin; i < v.end; i++) {
      Vector<W> line = {};
      for (int64_t j = h.begin; j < h.end; j++)
        line +=
            load<W>(x + ((v.origin + i * w.dilations[0]) * w.width + h.origin + j * w.dilations[1]) * w.channels + c);
      sum += line;
    }
    store<W>(y + c, sum / scale);
  }
};
template <class E>
static void average_pool(const Window &w, const E *x, int64_t row, E *y) {
  const Reach v(w, 0, row);
  for (int64_t o = 0; o < w.out_width; o++) {
    const Reach h(w, 1, o);
    AveragePool<E> body{w, x, v, h, divisor(w, row, o), y + o * w.channels};
    EACH(w.channels, body);
  }
}

template <class E>
struct AddScaled {
  const E *x;
  float scale;
  float *y;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(y + i) += load<W>(x + i) * scale; }
};
template <class E>
static void average_pool_gradient(const Window &w, const E *dy, int64_t row, float *dx) {
  const Covering v(w, 0, row);
  for (int64_t column = 0; column < w.width; column++, dx += w.channels) {
    Zero zero{dx};
    EACH(w.channels, zero);
    const Covering h(w, 1, column);
    for (int64_t i = v.begin; i < v.end; i++)
      for (int64_t j = h.begin; j < h.end; j++) {
        if (place_in(w, 0, i, row) < 0 || place_in(w, 1, j, column) < 0) continue;
        AddScaled<E> body{dy + (i * w.out_width + j) * w.channels, 1 / divisor(w, i, j), dx};
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

template <class E>
constexpr ImageLoops<E> images() {
  return {moments<E>,  normalize<E>,         gradient_sums<E>, gradient<E>,
          max_pool<E>, max_pool_gradient<E>, average_pool<E>,  average_pool_gradient<E>};
}

const Loops table = {32 * WIDTH, transpose,       add,               round,           widen, join,
                     depthwise_input, depthwise_weights, images<float>(), images<bf16>()};

#undef EACH
#undef ROWS
#undef AFFINE
}  // namespace NAMESPACE
}  // namespace ordo
