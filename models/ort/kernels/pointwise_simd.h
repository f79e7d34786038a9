// The loops for vectors of WIDTH floats, in the namespace NAMESPACE; pointwise.cpp includes this file once for each. As
// in loops_simd.h, nothing may be instantiated that other files share. The name ends in .h because Go rebuilds for no
// other ending of an included file.

namespace ordo {
namespace NAMESPACE {

template <int W>
struct Types {
  typedef float Vector __attribute__((vector_size(4 * W), aligned(4), may_alias));
  typedef uint32_t Bits __attribute__((vector_size(4 * W), aligned(4), may_alias));
};
template <int W>
using Vector = typename Types<W>::Vector;
template <int W>
using Bits = typename Types<W>::Bits;

template <int W>
inline Vector<W> &at(float *p) { return *reinterpret_cast<Vector<W> *>(p); }
template <int W>
inline const Vector<W> &at(const float *p) { return *reinterpret_cast<const Vector<W> *>(p); }

// each runs body<W>(i) over [0, n) in steps of the widest vectors that fit.
template <int W>
struct Step {};
template <class Body>
inline void each(int64_t n, const Body &body) {
  int64_t i = 0;
  for (; i + WIDTH <= n; i += WIDTH) body(Step<WIDTH>{}, i);
  if constexpr (WIDTH > 8)
    for (; i + 8 <= n; i += 8) body(Step<8>{}, i);
  for (; i + 4 <= n; i += 4) body(Step<4>{}, i);
  for (; i < n; i++) body(Step<1>{}, i);
}

template <int W>
inline Vector<W> all(float v) { return Vector<W>{} + v; }

// magnitude is |x|.
template <int W>
inline Vector<W> magnitude(Vector<W> x) { return (Vector<W>)((Bits<W>)x & 0x7fffffffu); }

// exponential is eˣ for x ≤ 0, with a relative error of at most 1e-7; what is less than the smallest normal float is 0.
//
// With n = x/ln 2 to the nearest integer and r = x − n · ln 2, which is taken off in two parts, of which the first has
// few digits (Cody, Waite, Software Manual for the Elementary Functions, 1980, chapter 6), eˣ = 2ⁿ · eʳ. The
// coefficients make the largest relative error of 1 + r + r²·p(r) over |r| ≤ ln 2/2 smallest (3e-9), found by Lawson's
// weighted least squares.
template <int W>
inline Vector<W> exponential(Vector<W> x) {
  const Vector<W> least = all<W>(-87.3f);
  const Vector<W> clamped = x < least ? least : x;
  const float shift = 12582912;  // 1.5 · 2²³: adding it rounds to an integer, which stands in the last bits
  const Vector<W> shifted = clamped * 1.44269504f + shift, n = shifted - shift;
  const Vector<W> r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector<W> p = all<W>(0.001381459878757596f);
  p = p * r + 0.0083687175065279f;
  p = p * r + 0.04166838899254799f;
  p = p * r + 0.1666652113199234f;
  p = p * r + 0.4999999403953552f;
  p = p * (r * r) + (r + 1.0f);
  const Vector<W> power = (Vector<W>)(((Bits<W>)shifted << 23) + 0x3f800000u);
  return x < least ? Vector<W>{} : p * power;
}

// Logistic is σ(x) = 1/(1 + e⁻ˣ) and σ(−x) = 1 − σ(x), both to full relative accuracy.
template <int W>
struct Logistic {
  Vector<W> value, rest;
  explicit inline Logistic(Vector<W> x) {
    const Vector<W> e = exponential<W>(-magnitude<W>(x)), larger = 1.0f / (e + 1.0f), smaller = e * larger;
    value = x < 0.0f ? smaller : larger;
    rest = x < 0.0f ? larger : smaller;
  }
};

// Normal is the standard normal distribution: its cumulative function Φ(x) and its density φ(x), with absolute errors
// of at most 1e-7.
//
// Φ(−u) = e^(−u²/2) · R(u) for u = |x|, with R(u) = erfcx(u/√2)/2, Mills' ratio over √(2π), which falls slowly from 1/2
// to 1/(u·√(2π)) and is a quotient of polynomials with positive coefficients, so that nothing cancels. They make the
// largest relative error of the quotient over 0 ≤ u ≤ 13.5 smallest (5e-9), found by Lawson's weighted least squares;
// behind, Φ(−u) is less than any float.
template <int W>
struct Normal {
  Vector<W> below, density;
  explicit inline Normal(Vector<W> x) {
    const Vector<W> most = all<W>(13.5f), u0 = magnitude<W>(x), u = u0 > most ? most : u0;
    const Vector<W> e = exponential<W>(u * u * -0.5f);
    Vector<W> p = all<W>(0.004037020727992058f);
    p = p * u + 0.04009820893406868f;
    p = p * u + 0.18164625763893127f;
    p = p * u + 0.4361467957496643f;
    p = p * u + 0.5f;
    Vector<W> q = all<W>(0.010119171813130379f);
    q = q * u + 0.10051850974559784f;
    q = q * u + 0.4652763605117798f;
    q = q * u + 1.1958979368209839f;
    q = q * u + 1.6701785326004028f;
    q = q * u + 1.0f;
    const Vector<W> tail = e * p / q;
    below = x > 0.0f ? 1.0f - tail : tail;
    density = e * 0.3989422804014327f;
  }
};

// Function<A> is activation A: its value, and the gradient of its input from that of its output. A NaN stays one.
template <Activation A>
struct Function {};

template <>
struct Function<HARD_SIGMOID> {  // min(1, max(0, alpha·x + beta))
  template <int W>
  static inline Vector<W> value(Vector<W> x, Slope s) {
    const Vector<W> line = x * s.alpha + s.beta, low = line < 0.0f ? Vector<W>{} : line;
    return low > 1.0f ? all<W>(1) : low;
  }
  template <int W>
  static inline Vector<W> gradient(Vector<W> x, Vector<W> dy, Slope s) {
    const Vector<W> line = x * s.alpha + s.beta, inside = line > 0.0f ? dy * s.alpha : Vector<W>{};
    return line < 1.0f ? inside : Vector<W>{};
  }
};
template <>
struct Function<HARD_SWISH> {  // x · min(1, max(0, x/6 + 1/2))
  template <int W>
  static inline Vector<W> value(Vector<W> x, Slope) {
    return x * Function<HARD_SIGMOID>::value<W>(x, {1 / 6.0f, 0.5f});
  }
  template <int W>
  static inline Vector<W> gradient(Vector<W> x, Vector<W> dy, Slope) {
    const Vector<W> line = x * (1 / 3.0f) + 0.5f, low = x <= -3.0f ? Vector<W>{} : line;
    return dy * (x >= 3.0f ? all<W>(1) : low);
  }
};
template <>
struct Function<SIGMOID> {
  template <int W>
  static inline Vector<W> value(Vector<W> x, Slope) { return Logistic<W>(x).value; }
  template <int W>
  static inline Vector<W> gradient(Vector<W> x, Vector<W> dy, Slope) {
    const Logistic<W> l(x);
    return dy * (l.value * l.rest);
  }
};
template <>
struct Function<SILU> {  // x · σ(x)
  template <int W>
  static inline Vector<W> value(Vector<W> x, Slope) { return x * Logistic<W>(x).value; }
  template <int W>
  static inline Vector<W> gradient(Vector<W> x, Vector<W> dy, Slope) {
    const Logistic<W> l(x);
    return dy * (l.value * (x * l.rest + 1.0f));
  }
};
template <>
struct Function<GELU> {  // x · Φ(x) (Hendrycks, Gimpel, arXiv:1606.08415)
  template <int W>
  static inline Vector<W> value(Vector<W> x, Slope) { return x * Normal<W>(x).below; }
  template <int W>
  static inline Vector<W> gradient(Vector<W> x, Vector<W> dy, Slope) {
    const Normal<W> n(x);
    return dy * (x * n.density + n.below);
  }
};
template <>
struct Function<GELU_TANH> {  // x · (1 + tanh v)/2 = x · σ(2v) with v = √(2/π) · (x + 0.044715 · x³), the same paper
  static constexpr float a = 1.5957691216057308f, b = 0.044715f * 1.5957691216057308f;  // 2v = a·x + b·x³
  // Behind ±50, σ has its limits, but x³ may have no float.
  template <int W>
  static inline Vector<W> limited(Vector<W> x) {
    const Vector<W> most = all<W>(50), low = x < -most ? -most : x;
    return low > most ? most : low;
  }
  template <int W>
  static inline Vector<W> value(Vector<W> x, Slope) {
    const Vector<W> u = limited<W>(x);
    return x * Logistic<W>(u * (u * u * b + a)).value;
  }
  template <int W>
  static inline Vector<W> gradient(Vector<W> x, Vector<W> dy, Slope) {
    const Vector<W> u = limited<W>(x), square = u * u;
    const Logistic<W> l(u * (square * b + a));
    return dy * (l.value * (u * (square * (3 * b) + a) * l.rest + 1.0f));
  }
};

template <Activation A>
struct Activate {
  const float *x;
  float *y;
  Slope slope;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    at<W>(y + i) = Function<A>::template value<W>(at<W>(x + i), slope);
  }
};
template <Activation A>
static void activate(const float *x, float *y, int64_t n, Slope slope) {
  each(n, Activate<A>{x, y, slope});
}

template <Activation A>
struct ActivationGradient {
  const float *dy, *x;
  float *dx;
  Slope slope;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    at<W>(dx + i) = Function<A>::template gradient<W>(at<W>(x + i), at<W>(dy + i), slope);
  }
};
template <Activation A>
static void activation_gradient(const float *dy, const float *x, float *dx, int64_t n, Slope slope) {
  each(n, ActivationGradient<A>{dy, x, dx, slope});
}

// Sum adds up a row: in float32 over at most kBlock elements, by lanes of four vectors that don't wait for each other,
// and then the lanes and blocks in float64. i is where in the row v is.
constexpr int64_t kBlock = 2048;
struct Sum {
  float lanes[4 * WIDTH] = {};
  template <int W>
  inline void add(int64_t i, Vector<W> v) { at<W>(lanes + (i & (3 * WIDTH))) += v; }
  inline double total() const {
    const Vector<WIDTH> v =
        (at<WIDTH>(lanes) + at<WIDTH>(lanes + WIDTH)) + (at<WIDTH>(lanes + 2 * WIDTH) + at<WIDTH>(lanes + 3 * WIDTH));
    double t[4] = {};
    for (int i = 0; i < WIDTH; i += 4)
      for (int k = 0; k < 4; k++) t[k] += double(v[i + k]);
    return (t[0] + t[1]) + (t[2] + t[3]);
  }
};
// in_blocks calls body(begin, count) for the blocks of a row.
template <class Body>
inline void in_blocks(int64_t n, const Body &body) {
  for (int64_t i = 0; i < n; i += kBlock) body(i, n - i < kBlock ? n - i : kBlock);
}

struct PlainSum {
  const float *x;
  Sum &sum;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { sum.add<W>(i, at<W>(x + i)); }
};
struct SquareSum {
  const float *x;
  float mean;
  Sum &sum;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    const Vector<W> d = at<W>(x + i) - mean;
    sum.add<W>(i, d * d);
  }
};
template <bool Bias>
struct Normalize {
  const float *x, *scale, *bias;
  float *y, mean, inverse;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    Vector<W> z = (at<W>(x + i) - mean) * inverse * at<W>(scale + i);
    if (Bias) z += at<W>(bias + i);
    at<W>(y + i) = z;
  }
};
static void layer_norm(const float *x, float *y, int64_t rows, int64_t width, const float *scale, const float *bias,
                       float epsilon, float *mean, float *inverse) {
  for (int64_t r = 0; r < rows; r++, x += width, y += width) {
    double sum = 0, squares = 0;
    in_blocks(width, [&](int64_t begin, int64_t n) {
      Sum s;
      each(n, PlainSum{x + begin, s});
      sum += s.total();
    });
    mean[r] = static_cast<float>(sum / double(width));
    in_blocks(width, [&](int64_t begin, int64_t n) {
      Sum s;
      each(n, SquareSum{x + begin, mean[r], s});
      squares += s.total();
    });
    inverse[r] = static_cast<float>(1 / __builtin_sqrt(squares / double(width) + double(epsilon)));
    if (bias)
      each(width, Normalize<true>{x, scale, bias, y, mean[r], inverse[r]});
    else
      each(width, Normalize<false>{x, scale, bias, y, mean[r], inverse[r]});
  }
}

struct NormSums {
  const float *dy, *x, *scale;
  float mean, inverse, *dscale, *dbias;
  Sum &sum, &product;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    const Vector<W> d = at<W>(dy + i), v = (at<W>(x + i) - mean) * inverse, dv = d * v, s = at<W>(scale + i);
    at<W>(dscale + i) += dv;
    at<W>(dbias + i) += d;
    sum.add<W>(i, d * s);
    product.add<W>(i, dv * s);
  }
};
struct NormGradient {
  const float *dy, *x, *scale;
  float mean, inverse, sum, product, *dx;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    const Vector<W> v = (at<W>(x + i) - mean) * inverse;
    at<W>(dx + i) = (at<W>(dy + i) * at<W>(scale + i) - sum - v * product) * inverse;
  }
};
static void layer_norm_gradient(const float *dy, const float *x, float *dx, int64_t rows, int64_t width,
                                const float *scale, const float *mean, const float *inverse, float *dscale,
                                float *dbias) {
  for (int64_t r = 0; r < rows; r++, dy += width, x += width) {
    double sum = 0, product = 0;
    in_blocks(width, [&](int64_t begin, int64_t n) {
      Sum s, p;
      each(n, NormSums{dy + begin, x + begin, scale + begin, mean[r], inverse[r], dscale + begin, dbias + begin, s, p});
      sum += s.total();
      product += p.total();
    });
    if (!dx) continue;
    const double n = double(width);
    each(width, NormGradient{dy, x, scale, mean[r], inverse[r], static_cast<float>(sum / n),
                             static_cast<float>(product / n), dx});
    dx += width;
  }
}

struct ProductSum {
  const float *a, *b;
  Sum &sum;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { sum.add<W>(i, at<W>(a + i) * at<W>(b + i)); }
};
struct SoftmaxGradient {
  const float *dy, *y;
  float sum, *dx;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(dx + i) = at<W>(y + i) * (at<W>(dy + i) - sum); }
};
static void softmax_gradient(const float *dy, const float *y, float *dx, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; r++, dy += width, y += width, dx += width) {
    double sum = 0;
    in_blocks(width, [&](int64_t begin, int64_t n) {
      Sum s;
      each(n, ProductSum{dy + begin, y + begin, s});
      sum += s.total();
    });
    each(width, SoftmaxGradient{dy, y, static_cast<float>(sum), dx});
  }
}

struct Scale {
  const float *x, *factor;
  float *y;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const { at<W>(y + i) = at<W>(x + i) * at<W>(factor + i); }
};
static void scale(const float *x, const float *factor, float *y, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; r++) each(width, Scale{x + r * width, factor, y + r * width});
}

template <bool Input>
struct ScaleGradient {
  const float *dy, *x, *factor;
  float *dx, *dfactor;
  template <int W>
  inline void operator()(Step<W>, int64_t i) const {
    const Vector<W> d = at<W>(dy + i);
    at<W>(dfactor + i) += d * at<W>(x + i);
    if (Input) at<W>(dx + i) = d * at<W>(factor + i);
  }
};
static void scale_gradient(const float *dy, const float *x, const float *factor, float *dx, float *dfactor,
                           int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t o = r * width;
    if (dx)
      each(width, ScaleGradient<true>{dy + o, x + o, factor, dx + o, dfactor});
    else
      each(width, ScaleGradient<false>{dy + o, x + o, factor, nullptr, dfactor});
  }
}

static const Pointwise table = {
    {activate<HARD_SIGMOID>, activate<HARD_SWISH>, activate<SIGMOID>, activate<SILU>, activate<GELU>,
     activate<GELU_TANH>},
    {activation_gradient<HARD_SIGMOID>, activation_gradient<HARD_SWISH>, activation_gradient<SIGMOID>,
     activation_gradient<SILU>, activation_gradient<GELU>, activation_gradient<GELU_TANH>},
    layer_norm,
    layer_norm_gradient,
    softmax_gradient,
    scale,
    scale_gradient,
};

}  // namespace NAMESPACE
}  // namespace ordo
