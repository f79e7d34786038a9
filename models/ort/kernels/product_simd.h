// Products with vectors of WIDTH floats in tiles of ROWS rows and two vectors, in the namespace NAMESPACE; product.cpp
// includes this file once for each. It is compiled for processors that ordo may not run on, so it must not instantiate
// anything that other files share.
//
// A tile of C stays in registers while a block of k is gone through (Goto, van de Geijn 2008): of A a panel of ROWS
// rows, copied so that it stays in the first cache, of B panels of two vectors of columns, copied once for a block,
// from the second.

namespace ordo {
namespace NAMESPACE {

constexpr int W = WIDTH;
constexpr int64_t kRows = ROWS, kColumns = 2 * W;
constexpr int64_t kDepth = 320;           // of a block of k, at most
constexpr int64_t kLine = kDepth + 16;    // from a row of a panel to the next, where rows lie together
constexpr int64_t kBlock = 128 * 1024;    // floats of B that are copied at a time

typedef float Vector __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef int32_t Index __attribute__((vector_size(4 * W)));

inline Vector &at(float *p) { return *reinterpret_cast<Vector *>(p); }
inline const Vector &at(const float *p) { return *reinterpret_cast<const Vector *>(p); }
inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t parts(int64_t size, int64_t most) { return (size + most - 1) / most; }

// tile computes R rows of V vectors. The panel of A has its rows together, or, if Across, the elements of a column.
template <int R, int V, bool Across>
static void tile(const float *a, const float *b, int64_t depth, float *c, int64_t c_row, float alpha, const float *bias,
                 bool add) {
  Vector sum[R][V] = {};
  for (int64_t k = 0; k < depth; k++) {
    Vector columns[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) columns[v] = at(b + v * W);
    b += V * W;
#pragma GCC unroll 16
    for (int i = 0; i < R; i++) {
      const Vector x = a[Across ? i : i * kLine] - Vector{};  // in each place
#pragma GCC unroll 2
      for (int v = 0; v < V; v++) sum[i][v] += x * columns[v];
    }
    a += Across ? kRows : 1;
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; i++)
#pragma GCC unroll 2
    for (int v = 0; v < V; v++) {
      Vector y = sum[i][v] * alpha;
      if (add)
        y += at(c + i * c_row + v * W);
      else if (bias)
        y += at(bias + v * W);
      at(c + i * c_row + v * W) = y;
    }
}

// across copies R rows whose columns lie together.
template <int R>
static void across(const float *from, int64_t column, int64_t depth, float *to) {
  for (int64_t k = 0; k < depth; k++, from += column, to += kRows) __builtin_memcpy(to, from, R * sizeof(float));
}

// Panel is what is done with a panel of R rows.
struct Panel {
  // [vectors - 1][across]
  void (*tile[2][2])(const float *, const float *, int64_t, float *, int64_t, float, const float *, bool);
  void (*across)(const float *, int64_t, int64_t, float *);
};
template <int R>
constexpr Panel panel() {
  return {{{tile<R, 1, false>, tile<R, 1, true>}, {tile<R, 2, false>, tile<R, 2, true>}}, across<R>};
}
const Panel panels[] = {panel<1>(),  panel<2>(),  panel<3>(),  panel<4>(),  panel<5>(),  panel<6>(),
#if ROWS > 6
                        panel<7>(),  panel<8>(),  panel<9>(),  panel<10>(), panel<11>(), panel<12>(),
                        panel<13>(), panel<14>()
#endif
};

// pack_rows copies a panel of A; it returns whether the elements of columns lie together then.
static bool pack_rows(const Matrix &a, int64_t row, int64_t rows, int64_t k, int64_t depth, float *to) {
  const float *from = a.data + row * a.row + k * a.column;
  if (a.column == 1) {
    for (int64_t i = 0; i < rows; i++)
      __builtin_memcpy(to + i * kLine, from + i * a.row, size_t(depth) * sizeof(float));
    return false;
  }
  if (a.row == 1) {
    panels[rows - 1].across(from, a.column, depth, to);
    return true;
  }
  for (int64_t d = 0; d < depth; d++)
    for (int64_t i = 0; i < rows; i++) to[d * kRows + i] = from[d * a.column + i * a.row];
  return true;
}

#if WIDTH > 4
struct Order {
  Index low, high;
};
// interleave is the order that takes the elements of the lower halves of two vectors in turn, and of the upper ones.
inline Order interleave() {
  Order o{};
#pragma GCC unroll 16
  for (int i = 0; i < W; i++) {
    o.low[i] = i / 2 + i % 2 * W;
    o.high[i] = W / 2 + i / 2 + i % 2 * W;
  }
  return o;
}

// turn transposes W rows of W floats.
inline void turn(const float *from, int64_t line, float *to, int64_t to_line) {
  const Order o = interleave();
  Vector x[W], y[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; i++) x[i] = at(from + i * line);
#pragma GCC unroll 4
  for (int stage = 1; stage < W; stage *= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < W / 2; i++) {
      y[2 * i] = __builtin_shuffle(x[i], x[i + W / 2], o.low);
      y[2 * i + 1] = __builtin_shuffle(x[i], x[i + W / 2], o.high);
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; i++) x[i] = y[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < W; i++) at(to + i * to_line) = x[i];
}
#endif

// pack_columns copies `columns` columns of B to a panel of `width`, with zeros beside them.
static void pack_columns(const Matrix &b, int64_t column, int64_t columns, int64_t width, int64_t k, int64_t depth,
                         float *to) {
  const float *from = b.data + k * b.row + column * b.column;
  if (b.column == 1 && columns == width) {
    for (int64_t d = 0; d < depth; d++)
      for (int64_t j = 0; j < width; j += W) at(to + d * width + j) = at(from + d * b.row + j);
    return;
  }
  int64_t done = 0;  // columns
#if WIDTH > 4
  if (b.row == 1) {
    const int64_t whole = depth / W * W;
    for (; done + W <= columns; done += W) {
      const float *source = from + done * b.column;
      for (int64_t d = 0; d < whole; d += W) turn(source + d, b.column, to + d * width + done, width);
      for (int64_t d = whole; d < depth; d++)
        for (int64_t j = 0; j < W; j++) to[d * width + done + j] = source[j * b.column + d];
    }
  }
#endif
  for (int64_t d = 0; d < depth; d++) {
    for (int64_t j = done; j < columns; j++) to[d * width + j] = from[d * b.row + j * b.column];
    for (int64_t j = columns; j < width; j++) to[d * width + j] = 0;
  }
}

// multiply_rows is a panel of A times a panel of B.
static void multiply_rows(const Product &p, const float *a, bool across, int64_t row, int64_t rows, const float *b,
                          int64_t column, int64_t columns, int64_t width, int64_t depth, bool add) {
  const auto tile = panels[rows - 1].tile[width == kColumns][across];
  float *c = p.c + row * p.c_row + column;
  const float *bias = p.bias ? p.bias + column : nullptr;
  if (columns == width) return tile(a, b, depth, c, p.c_row, p.alpha, bias, add);
  alignas(64) float edge[kRows * kColumns];
  tile(a, b, depth, edge, width, p.alpha, nullptr, false);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) {
      float &y = c[i * p.c_row + j];
      const float x = edge[i * width + j];
      y = add ? y + x : bias ? x + bias[j] : x;
    }
}

struct Blocks {
  int64_t depths, columns;  // blocks of k; columns of a block, a multiple of kColumns
  explicit Blocks(const Product &p) : depths(parts(p.k, kDepth)) {
    const int64_t depth = parts(p.k, depths), most = kBlock / depth / kColumns * kColumns;
    const int64_t blocks = parts(p.n, most);
    columns = parts(parts(p.n, blocks), kColumns) * kColumns;
  }
};

static size_t scratch(const Product &p) {
  const Blocks blocks(p);
  return size_t(kRows * kLine + parts(p.k, blocks.depths) * blocks.columns) * sizeof(float);
}

static void multiply(const Product &p, char *scratch) {
  const Blocks blocks(p);
  float *a = reinterpret_cast<float *>(scratch), *b = a + kRows * kLine;
  const int64_t row_panels = parts(p.m, kRows);
  for (int64_t first = 0; first < p.n; first += blocks.columns) {
    const int64_t last = smaller(first + blocks.columns, p.n);
    for (int64_t block = 0; block < blocks.depths; block++) {
      const int64_t k = p.k * block / blocks.depths, depth = p.k * (block + 1) / blocks.depths - k;
      const auto width = [&](int64_t column) { return last - column > W ? kColumns : W; };
      for (int64_t j = first; j < last; j += kColumns)
        pack_columns(p.b, j, smaller(last - j, kColumns), width(j), k, depth, b + (j - first) * depth);
      for (int64_t i = 0; i < row_panels; i++) {
        const int64_t row = p.m * i / row_panels, rows = p.m * (i + 1) / row_panels - row;
        const bool across = pack_rows(p.a, row, rows, k, depth, a);
        for (int64_t j = first; j < last; j += kColumns)
          multiply_rows(p, a, across, row, rows, b + (j - first) * depth, j, smaller(last - j, kColumns), width(j),
                        depth, block > 0);
      }
    }
  }
}

const Products table = {kRows, kColumns, scratch, multiply};

}  // namespace NAMESPACE
}  // namespace ordo
