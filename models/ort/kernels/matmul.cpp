// Products of matrices: linear layers with their gradients, and batches of products whose operands and result may be
// transposed, which is done by reading and writing them in another order and costs next to nothing.
//
// A task has a part of the rows or of the columns of a result, or a part of the batch. No sum is divided among tasks,
// and the order of sums depends on shapes alone: results don't depend on the number of threads.
#include "loops.h"
#include "product.h"
#include "session.h"

namespace ordo {
namespace {

constexpr double kWorthATask = 1 << 18;  // multiplications

Matrix plain(const float *data, int64_t columns) { return {data, columns, 1}; }
Matrix transposed(const Matrix &m) { return {m.data, m.column, m.row}; }

// Cut divides a product among tasks, by the longer side of its result.
struct Cut {
  const Products &by;
  bool by_rows;
  int64_t unit, units, tasks;

  Cut(const Products &by, const Product &p, int threads) : by(by), by_rows(p.m >= p.n) {
    unit = by_rows ? by.rows : by.columns;
    units = ((by_rows ? p.m : p.n) + unit - 1) / unit;
    const double worth = double(p.m) * double(p.n) * double(p.k) / kWorthATask;
    tasks =
        std::max<int64_t>(1, std::min({int64_t(threads), units, worth < threads ? int64_t(worth) : int64_t(threads)}));
  }

  // part is what task t has to do: m or n is 0 if that's nothing.
  Product part(Product p, size_t t) const {
    if (int64_t(t) >= tasks) return p.m = 0, p;
    const Part u(units, tasks, t);
    const int64_t from = u.begin * unit, to = std::min(u.end * unit, by_rows ? p.m : p.n);
    if (by_rows) {
      p.m = to - from;
      p.a.data += from * p.a.row;
      p.c += from * p.c_row;
      return p;
    }
    p.n = to - from;
    p.b.data += from * p.b.column;
    p.c += from;
    if (p.bias) p.bias += from;
    return p;
  }
};

// by_precision are the products that a node's attribute asks for.
const Products &by_precision(const Node &node) {
  const std::string precision = node.text("precision", "f32");
  if (precision != "f32" && precision != "bf16") throw Fault("precision must be f32 or bf16");
  if (precision == "f32") return products();
  if (!tile_products()) throw Fault("this processor has no matrix units for bfloat16: use precision f32");
  return *tile_products();
}

// reserve is called for every part before the tasks begin: memory that their threads asked for would stay with them.
void reserve(const Run &run, const Products &by, size_t t, const Product &p) {
  if (p.m > 0 && p.n > 0) run.session.slice(t).reserve(by.scratch(p));
}

void multiply(const Run &run, const Products &by, size_t t, const Product &p) {
  if (p.m > 0 && p.n > 0) by.multiply(p, run.session.slice(t).reserve(by.scratch(p)));
}

// Sizes are those of a linear layer.
struct Sizes {
  int64_t rows, in, out;

  Sizes(const Tensor &x, const Tensor &w, bool trans_w) {
    in = x.dims.back(), rows = x.size() / in;
    if (w.dims.size() != 2 || w.dims[trans_w ? 1 : 0] != in)
      throw Fault("W has shape " + shape(w.dims) + ", X " + shape(x.dims) + ": W must be of " +
                  (trans_w ? "outputs and inputs" : "inputs and outputs"));
    out = w.dims[trans_w ? 0 : 1];
  }
};

// weights are W as a matrix of inputs and outputs.
Matrix weights(const Tensor &w, bool trans_w) {
  const Matrix m = plain(w.floats(), w.dims[1]);
  return trans_w ? transposed(m) : m;
}

struct Linear : Kernel {
  bool trans_w;
  const Products &by;
  explicit Linear(const Node &node) : trans_w(node.integer("trans_w", 0)), by(by_precision(node)) {}

  void run(const Run &run) override {
    const Tensor x = run.channels(0, "X"), w = run.channels(1, "W"), b = run.input(2);
    const Sizes s(x, w, trans_w);
    std::vector<int64_t> dims = x.dims;
    dims.back() = s.out;
    const Tensor y = run.output(0, dims);
    Product p{};
    p.m = s.rows, p.n = s.out, p.k = s.in, p.alpha = 1;
    p.a = plain(x.floats(), s.in), p.b = weights(w, trans_w);
    p.c = y.floats(), p.c_row = s.out;
    p.bias = b ? run.vector(2, "B", s.out) : nullptr;
    const Cut cut(by, p, run.session.threads);
    for (int64_t t = 0; t < cut.tasks; t++) reserve(run, by, t, cut.part(p, t));
    run.parallel(cut.tasks, [&](size_t t) { multiply(run, by, t, cut.part(p, t)); });
  }
};

// With Y = X W + B: dX = dY Wᵀ, dW = Xᵀ dY, dB = Σ over rows of dY.
struct LinearGrad : Kernel {
  bool trans_w;
  const Products &by;
  explicit LinearGrad(const Node &node) : trans_w(node.integer("trans_w", 0)), by(by_precision(node)) {}

  void run(const Run &run) override {
    const Tensor dy = run.channels(0, "dY"), x = run.channels(1, "X"), w = run.channels(2, "W");
    const Sizes s(x, w, trans_w);
    if (dy.dims.back() != s.out || dy.size() != s.rows * s.out)
      throw Fault("dY has shape " + shape(dy.dims) + ", X " + shape(x.dims) + " and W " + shape(w.dims));
    const Tensor dx = run.output(0, x.dims), dw = run.output(1, w.dims), db = run.output(2, {s.out});

    Product input{};
    if (dx) {
      input.m = s.rows, input.n = s.in, input.k = s.out, input.alpha = 1;
      input.a = plain(dy.floats(), s.out), input.b = transposed(weights(w, trans_w));
      input.c = dx.floats(), input.c_row = s.in;
    }
    // W's gradient in its own order, which makes dY the left or the right factor.
    Product weight{};
    if (dw) {
      const Matrix left = plain(trans_w ? dy.floats() : x.floats(), w.dims[0]),
                   right = plain(trans_w ? x.floats() : dy.floats(), w.dims[1]);
      weight.m = w.dims[0], weight.n = w.dims[1], weight.k = s.rows, weight.alpha = 1;
      weight.a = transposed(left), weight.b = right;
      weight.c = dw.floats(), weight.c_row = w.dims[1];
    }
    const Cut input_cut(by, input, run.session.threads), weight_cut(by, weight, run.session.threads);
    const int64_t tasks = std::max(input_cut.tasks, weight_cut.tasks);
    for (int64_t t = 0; t < tasks; t++) {
      reserve(run, by, t, input_cut.part(input, t));
      reserve(run, by, t, weight_cut.part(weight, t));
      run.session.slice(t).reserve(size_t(s.out) * sizeof(float));  // for sum_rows
    }
    run.parallel(tasks, [&](size_t t) {
      multiply(run, by, t, input_cut.part(input, t));
      multiply(run, by, t, weight_cut.part(weight, t));
      if (db) sum_rows(run, t, dy.floats(), s, Part(s.out, tasks, t), db.floats());
    });
  }

  // sum_rows adds up some columns, in blocks of rows, so that no sum is over too many numbers.
  static void sum_rows(const Run &run, size_t t, const float *y, const Sizes &s, Part part, float *sums) {
    const int64_t n = part.end - part.begin;
    float *block = reinterpret_cast<float *>(run.session.slice(t).reserve(size_t(n) * sizeof(float)));
    std::fill_n(sums + part.begin, n, 0.0f);
    for (int64_t row = 0; row < s.rows;) {
      std::fill_n(block, n, 0.0f);
      for (const int64_t end = std::min(row + 256, s.rows); row < end; row++)
        loops().add(block, y + row * s.out + part.begin, n);
      loops().add(sums + part.begin, block, n);
    }
  }
};

// View is a tensor with its dimensions in another order.
struct View {
  std::vector<int64_t> dims, strides;
  int64_t rank() const { return int64_t(dims.size()); }
  int64_t size(int64_t from_end) const { return dims[dims.size() - from_end]; }
  int64_t stride(int64_t from_end) const { return strides[dims.size() - from_end]; }

  // offset is where the i-th matrix of the batch begins.
  int64_t offset(int64_t i) const {
    int64_t at = 0;
    for (size_t d = dims.size() - 2; d-- > 0; i /= dims[d]) at += i % dims[d] * strides[d];
    return at;
  }
};

std::vector<int64_t> strides_of(const std::vector<int64_t> &dims) {
  std::vector<int64_t> strides(dims.size());
  int64_t step = 1;
  for (size_t i = dims.size(); i-- > 0; step *= dims[i]) strides[i] = step;
  return strides;
}

// Permutation is the order of dimensions that an attribute names, as a Transpose has it: none is the given one.
struct Permutation {
  std::vector<int64_t> perm;
  const char *name;

  Permutation(const Node &node, const char *name) : perm(node.integers(name)), name(name) {
    std::vector<bool> seen(perm.size());
    for (int64_t p : perm) {
      if (p < 0 || p >= int64_t(perm.size()) || seen[p])
        throw Fault(std::string(name) + " must name each dimension once, got " + shape(perm));
      seen[p] = true;
    }
  }
  int64_t of(size_t i) const { return perm.empty() ? int64_t(i) : perm[i]; }

  void fits(size_t rank) const {
    if (!perm.empty() && perm.size() != rank)
      throw Fault(std::string(name) + " is " + shape(perm) + " for " + std::to_string(rank) + " dimensions");
  }

  View view(const Tensor &t) const {
    fits(t.dims.size());
    const std::vector<int64_t> strides = strides_of(t.dims);
    View v;
    for (size_t i = 0; i < t.dims.size(); i++) v.dims.push_back(t.dims[of(i)]), v.strides.push_back(strides[of(i)]);
    return v;
  }
};

struct MatMul : Kernel {
  Permutation perm_a, perm_b, perm_y;
  float alpha;
  const Products &by;
  explicit MatMul(const Node &node)
      : perm_a(node, "perm_a"),
        perm_b(node, "perm_b"),
        perm_y(node, "perm_y"),
        alpha(node.real("alpha", 1)),
        by(by_precision(node)) {}

  void run(const Run &run) override {
    const Tensor at = run.channels(0, "A"), bt = run.channels(1, "B");
    const View a = perm_a.view(at), b = perm_b.view(bt);
    View y;  // before its permutation
    y.dims = a.dims;
    const int64_t rank = a.rank();
    if (b.rank() == rank) y.dims[rank - 2] = b.dims[rank - 2], y.dims[rank - 1] = b.dims[rank - 1];
    if (y.dims != b.dims || b.size(2) != a.size(1))
      throw Fault("A has shape " + shape(a.dims) + " and B " + shape(b.dims) +
                  ", as permuted: they don't make products");
    y.dims[rank - 2] = a.size(2);
    perm_y.fits(y.dims.size());
    std::vector<int64_t> dims;
    for (int64_t i = 0; i < rank; i++) dims.push_back(y.dims[perm_y.of(i)]);
    const Tensor out = run.output(0, dims);
    const std::vector<int64_t> strides = strides_of(dims);
    y.strides.resize(rank);
    for (int64_t i = 0; i < rank; i++) y.strides[perm_y.of(i)] = strides[i];

    Product p{};
    p.m = a.size(2), p.k = a.size(1), p.n = b.size(1), p.alpha = alpha;
    p.a = {nullptr, a.stride(2), a.stride(1)}, p.b = {nullptr, b.stride(2), b.stride(1)};
    p.c_row = y.stride(2);
    // A result whose columns lie together is the transposed product of the transposed factors.
    const bool swap = y.stride(1) != 1 && p.n > 1;
    if (swap) {
      if (y.stride(2) != 1 && p.m > 1)
        throw Fault("perm_y must leave the rows or the columns of the products last, got " + shape(perm_y.perm));
      std::swap(p.m, p.n);
      std::swap(p.a, p.b);
      p.a = transposed(p.a), p.b = transposed(p.b), p.c_row = y.stride(1);
    }
    int64_t batch = 1;
    for (int64_t i = 0; i + 2 < rank; i++) batch *= y.dims[i];
    const auto product = [&](int64_t i) {
      Product one = p;
      one.a.data = (swap ? bt : at).floats() + (swap ? b : a).offset(i);
      one.b.data = (swap ? at : bt).floats() + (swap ? a : b).offset(i);
      one.c = out.floats() + y.offset(i);
      return one;
    };
    // Products that are small or many are not cut.
    const Cut cut(by, p, run.session.threads);
    const int64_t whole = std::min<int64_t>(batch, run.session.threads);
    if (whole >= cut.tasks) {
      for (int64_t t = 0; t < whole; t++) reserve(run, by, t, p);
      run.parallel(whole, [&](size_t t) {
        const Part part(batch, whole, t);
        for (int64_t i = part.begin; i < part.end; i++) multiply(run, by, t, product(i));
      });
      return;
    }
    for (int64_t t = 0; t < cut.tasks; t++) reserve(run, by, t, cut.part(p, t));
    run.parallel(cut.tasks, [&](size_t t) {
      for (int64_t i = 0; i < batch; i++) multiply(run, by, t, cut.part(product(i), t));
    });
  }
};

}  // namespace

std::unique_ptr<Kernel> make_linear(const Node &node) { return std::make_unique<Linear>(node); }
std::unique_ptr<Kernel> make_linear_grad(const Node &node) { return std::make_unique<LinearGrad>(node); }
std::unique_ptr<Kernel> make_matmul(const Node &node) { return std::make_unique<MatMul>(node); }

}  // namespace ordo
