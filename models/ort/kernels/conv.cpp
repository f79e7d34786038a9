// Convolution over oneDNN, or by Winograd's algorithm (winograd.h). For oneDNN the batch is cut into slices, one a
// thread of ONNX Runtime's pool, each of which runs a primitive of a single thread. Weights and their gradients are
// plain outside; the primitives choose an order of their own, which the operator translates.
//
// The gradient of the weights is summed over the slices in their order, so results depend on the number of threads and
// on nothing else.
#include <cstring>
#include <list>

#include "kernels.h"
#include "loops.h"
#include "session.h"
#include "tile_forward.h"
#include "tile_weights.h"
#include "tiles.h"
#include "winograd.h"
#include "winograd_weights.h"

namespace ordo {
namespace {

constexpr size_t kPlans = 8;  // shapes that an operator keeps primitives for

// Geometry is a convolution of images of one size, without the number of images.
struct Geometry {
  int64_t channels, height, width, filters, groups;
  int64_t kernel[2], strides[2], pads[4], dilations[2];
  int64_t out_height, out_width;
  bool bf16, bias;
  bool half;  // the activations are stored in bfloat16

  void size_output() {
    for (int axis = 0; axis < 2; axis++) {
      const int64_t room =
          (axis ? width : height) + pads[axis] + pads[2 + axis] - ((kernel[axis] - 1) * dilations[axis] + 1);
      if (room < 0) throw Fault("the kernel is larger than the image with its padding");
      // oneDNN's code reads elsewhere then.
      const int64_t reach = (kernel[axis] - 1) * dilations[axis];
      if (pads[axis] > reach || pads[2 + axis] > reach) throw Fault("the padding is as large as the kernel");
      (axis ? out_width : out_height) = room / strides[axis] + 1;
    }
    // oneDNN 3.13 computes wrongly where one channel is gone over with strides that end at the first column
    // (brg_conv_fwd).
    if (channels == 1 && out_width == 1 && strides[1] > 1)
      throw Fault("oneDNN cannot be trusted with one channel and one column of output");
    // There a product of bfloat16 gains nothing: reading and writing is all.
    if (depthwise() && !half) bf16 = false;
  }
  int stored() const { return half ? DNNL_BF16 : DNNL_F32; }
  int64_t element() const { return half ? 2 : 4; }  // bytes of an activation
  bool depthwise() const { return groups > 1 && groups == channels && groups == filters; }
  bool own_loops() const { return depthwise() && !half; }  // there are some for gradients
  int64_t in_pixels() const { return height * width; }
  int64_t out_pixels() const { return out_height * out_width; }
  // idle: some place of the kernel lies outside of the image wherever the kernel is.
  bool idle() const {
    for (int axis = 0; axis < 2; axis++) {
      const int64_t size = axis ? width : height, out = axis ? out_width : out_height;
      for (int64_t k = 0; k < kernel[axis]; k++) {
        bool meets = false;
        for (int64_t o = 0; o < out && !meets; o++) {
          const int64_t at = o * strides[axis] - pads[axis] + k * dilations[axis];
          meets = at >= 0 && at < size;
        }
        if (!meets) return true;
      }
    }
    return false;
  }
  int64_t weights() const { return filters * (channels / groups) * kernel[0] * kernel[1]; }

  Window window() const {
    Window w{};
    w.height = height, w.width = width, w.channels = channels, w.out_height = out_height, w.out_width = out_width;
    std::memcpy(w.kernel, kernel, sizeof kernel);
    std::memcpy(w.strides, strides, sizeof strides);
    std::memcpy(w.pads, pads, sizeof pads);
    std::memcpy(w.dilations, dilations, sizeof dilations);
    return w;
  }
};

using Desc = Owned<dnnl_memory_desc>;

void must(int status, const char *what) {
  if (status) throw Fault(std::string("oneDNN: ") + what + " failed with status " + std::to_string(status));
}

Desc strided(int rank, const Dims dims, const Dims strides, int type) {
  dnnl_memory_desc *d = nullptr;
  must(dnnl.memory_desc_create_with_strides(&d, rank, dims, type, strides), "a memory description");
  return Desc(d);
}

Desc channels_last(int64_t n, int64_t c, int64_t h, int64_t w, int type) {
  const Dims dims{n, c, h, w}, strides{h * w * c, 1, w * c, c};
  return strided(4, dims, strides, type);
}

// weight_dims gives [O, I, h, w], or [G, O/G, I/G, h, w], and the strides of the plain order, which is the same for
// both.
int weight_dims(const Geometry &g, Dims dims, Dims strides) {
  int rank = 0;
  if (g.groups > 1) dims[rank++] = g.groups;
  dims[rank++] = g.filters / g.groups;
  dims[rank++] = g.channels / g.groups;
  dims[rank++] = g.kernel[0];
  dims[rank++] = g.kernel[1];
  int64_t step = 1;
  for (int i = rank; i-- > 0; step *= dims[i]) strides[i] = step;
  return rank;
}

Desc plain_weights(const Geometry &g) {
  Dims dims, strides;
  const int rank = weight_dims(g, dims, strides);
  return strided(rank, dims, strides, DNNL_F32);
}

Desc any_weights(const Geometry &g, int type) {
  Dims dims, strides;
  const int rank = weight_dims(g, dims, strides);
  dnnl_memory_desc *d = nullptr;
  must(dnnl.memory_desc_create_with_tag(&d, rank, dims, type, DNNL_ANY), "a memory description");
  return Desc(d);
}

Desc vector_of(int64_t n) {
  const Dims dims{n}, strides{1};
  return strided(1, dims, strides, DNNL_F32);
}

struct Argument {
  int what;
  const dnnl_memory_desc *desc;
  const void *data;
};

// Primitive is what oneDNN made for one thread, with scratch memory that the caller gives.
class Primitive {
 public:
  Primitive() = default;
  explicit Primitive(Owned<dnnl_primitive_desc> desc) : desc_(std::move(desc)) {
    const char *info = nullptr;
    must(dnnl.primitive_desc_query(desc_.get(), DNNL_QUERY_INFO, 0, &info), "a query");
    info_ = info ? info : "";
    scratch_ = dnnl.memory_desc_get_size(md(DNNL_QUERY_SCRATCHPAD));
  }
  explicit operator bool() const { return bool(desc_); }
  const std::string &info() const { return info_; }
  bool reference() const { return info_.find("ref") != std::string::npos; }
  size_t scratch() const { return scratch_; }
  const dnnl_memory_desc *md(int what) const { return dnnl.primitive_desc_query_md(desc_.get(), what, 0); }

  // build makes the code.
  void build() {
    dnnl_primitive *p = nullptr;
    must(dnnl.primitive_create(&p, desc_.get()), "a primitive");
    it_.reset(p);
  }

  void execute(dnnl_stream *stream, std::initializer_list<Argument> arguments, void *scratch = nullptr) const {
    Owned<dnnl_memory> owned[6];
    DnnlArgument list[6];
    int n = 0;
    auto give = [&](int what, const dnnl_memory_desc *desc, const void *data) {
      dnnl_memory *m = nullptr;
      must(dnnl.memory_create(&m, desc, dnnl.engine, const_cast<void *>(data)), "a memory object");
      owned[n].reset(m);
      list[n++] = {what, m};
    };
    for (const Argument &a : arguments)
      if (a.data) give(a.what, a.desc, a.data);
    if (scratch_) give(DNNL_SCRATCHPAD, md(DNNL_QUERY_SCRATCHPAD), scratch);
    must(dnnl.primitive_execute(it_.get(), stream, n, list), "a computation");
    must(dnnl.stream_wait(stream), "a computation");
  }

 private:
  Owned<dnnl_primitive_desc> desc_;
  Owned<dnnl_primitive> it_;
  std::string info_;
  size_t scratch_ = 0;
};

// Space is how oneDNN wants strides, dilations and padding.
struct Space {
  Dims strides, dilates, left, right;
  explicit Space(const Geometry &g) {
    for (int i = 0; i < 2; i++)
      strides[i] = g.strides[i], dilates[i] = g.dilations[i] - 1, left[i] = g.pads[i], right[i] = g.pads[2 + i];
  }
};

Owned<dnnl_primitive_attr> scratch_of_caller() {
  dnnl_primitive_attr *a = nullptr;
  must(dnnl.primitive_attr_create(&a), "an attribute");
  Owned<dnnl_primitive_attr> owned(a);
  must(dnnl.primitive_attr_set_scratchpad_mode(a, DNNL_SCRATCHPAD_USER), "an attribute");
  return owned;
}

// Each make_ function gives an empty primitive where oneDNN has none.
Primitive make_forward(const Geometry &g, int64_t n) {
  const int type = g.bf16 ? DNNL_BF16 : DNNL_F32;
  const Space s(g);
  const Desc x = channels_last(n, g.channels, g.height, g.width, type), w = any_weights(g, type),
             b = vector_of(g.filters);
  const Desc y = channels_last(n, g.filters, g.out_height, g.out_width, g.stored());
  dnnl_primitive_desc *p = nullptr;
  dnnl.convolution_forward_primitive_desc_create(&p, dnnl.engine, DNNL_FORWARD_TRAINING, DNNL_DIRECT, x.get(), w.get(),
                                                 g.bias ? b.get() : nullptr, y.get(), s.strides, s.dilates, s.left,
                                                 s.right, scratch_of_caller().get());
  return p ? Primitive(Owned<dnnl_primitive_desc>(p)) : Primitive();
}

// hint is the forward primitive that oneDNN wants to see before it makes the others.
Owned<dnnl_primitive_desc> hint(const Geometry &g, int64_t n) {
  const int type = g.bf16 ? DNNL_BF16 : DNNL_F32;
  const Space s(g);
  const Desc x = channels_last(n, g.channels, g.height, g.width, type), w = any_weights(g, type);
  const Desc y = channels_last(n, g.filters, g.out_height, g.out_width, type);
  dnnl_primitive_desc *p = nullptr;
  dnnl.convolution_forward_primitive_desc_create(&p, dnnl.engine, DNNL_FORWARD_TRAINING, DNNL_DIRECT, x.get(), w.get(),
                                                 nullptr, y.get(), s.strides, s.dilates, s.left, s.right,
                                                 scratch_of_caller().get());
  return Owned<dnnl_primitive_desc>(p);
}

Primitive make_data(const Geometry &g, int64_t n) {
  const int type = g.bf16 ? DNNL_BF16 : DNNL_F32;
  const Space s(g);
  const auto forward = hint(g, n);
  if (!forward) return {};
  const Desc x = channels_last(n, g.channels, g.height, g.width, g.stored()), w = any_weights(g, type);
  const Desc y = channels_last(n, g.filters, g.out_height, g.out_width, type);
  dnnl_primitive_desc *p = nullptr;
  dnnl.convolution_backward_data_primitive_desc_create(&p, dnnl.engine, DNNL_DIRECT, x.get(), w.get(), y.get(),
                                                       s.strides, s.dilates, s.left, s.right, forward.get(),
                                                       scratch_of_caller().get());
  return p ? Primitive(Owned<dnnl_primitive_desc>(p)) : Primitive();
}

// make_weights: order is that of the gradient of the weights, null for the primitive's own choice.
Primitive make_weights(const Geometry &g, int64_t n, const dnnl_memory_desc *order) {
  // oneDNN 3.13 gives what lay in memory for the gradients at such places (brgconv_bwd_w).
  if (g.bf16 && g.idle()) return {};
  const int type = g.bf16 ? DNNL_BF16 : DNNL_F32;
  const Space s(g);
  const auto forward = hint(g, n);
  if (!forward) return {};
  const Desc x = channels_last(n, g.channels, g.height, g.width, type), w = any_weights(g, DNNL_F32),
             b = vector_of(g.filters);
  const Desc y = channels_last(n, g.filters, g.out_height, g.out_width, type);
  dnnl_primitive_desc *p = nullptr;
  dnnl.convolution_backward_weights_primitive_desc_create(
      &p, dnnl.engine, DNNL_DIRECT, x.get(), order ? order : w.get(), g.bias ? b.get() : nullptr, y.get(), s.strides,
      s.dilates, s.left, s.right, forward.get(), scratch_of_caller().get());
  return p ? Primitive(Owned<dnnl_primitive_desc>(p)) : Primitive();
}

Primitive make_reorder(const dnnl_memory_desc *from, const dnnl_memory_desc *to) {
  dnnl_primitive_desc *p = nullptr;
  must(dnnl.reorder_primitive_desc_create(&p, from, dnnl.engine, to, dnnl.engine, scratch_of_caller().get()),
       "a reorder");
  Primitive r{Owned<dnnl_primitive_desc>(p)};
  r.build();
  return r;
}

// usable: of the gradients of depthwise convolutions oneDNN's own for them are good, its general ones ten times slower
// than a loop.
bool usable(const Geometry &g, const Primitive &p) {
  return p && !p.reference() && (!g.depthwise() || p.info().find("dw") != std::string::npos);
}

std::string no_kernel(const Geometry &g, const char *what, const Primitive &p) {
  return std::string("oneDNN has ") + (p ? "only the reference kernel " + p.info() : "no kernel") + " for the " + what +
         " of " + std::to_string(g.channels) + " to " + std::to_string(g.filters) + " channels in " +
         std::to_string(g.groups) + " groups, kernel " + shape({g.kernel[0], g.kernel[1]}) + ", on images of " +
         shape({g.height, g.width}) + ": use stock kernels for this convolution";
}

enum class Algorithm { automatic, direct, winograd };

// tiles are those of the forward pass.
Tiles tiles(const Geometry &g) { return cut(g.height, g.width, g.out_height, g.out_width, g.pads[0], g.pads[1]); }

// gradient_tiles are those of the gradient by the input, a convolution of dY.
Tiles gradient_tiles(const Geometry &g) {
  return cut(g.out_height, g.out_width, g.height, g.width, 2 - g.pads[0], 2 - g.pads[1]);
}

// may_be_winograd: the convolution is one for Winograd's algorithm, which the node doesn't forbid.
bool may_be_winograd(const Geometry &g, Algorithm algorithm) {
  bool possible = g.groups == 1 && Winograd::possible(g.channels, g.filters);
  for (int i = 0; i < 2; i++) possible = possible && g.kernel[i] == 3 && g.strides[i] == 1 && g.dilations[i] == 1;
  if (algorithm == Algorithm::winograd && !possible)
    throw Fault(
        "algorithm winograd is for kernels of 3x3, stride 1, no groups or dilation, and numbers of channels that are "
        "multiples of " +
        std::to_string(winograd_loops() ? winograd_loops()->lanes : 0) + " here");
  return possible && algorithm != Algorithm::direct && !g.half;
}

// by_winograd decides between Winograd's algorithm and oneDNN's, for the forward pass (t: its tiles) or the gradient by
// the input.
bool by_winograd(const Geometry &g, const Tiles &t, int64_t images, Algorithm algorithm) {
  if (!may_be_winograd(g, algorithm)) return false;
  return algorithm == Algorithm::winograd || Winograd::pays(t, images, g.channels, g.filters, g.bf16);
}

// weights_by_winograd decides it for the gradient by the weights, which is then in float32 whatever the precision, and
// gives the form.
bool weights_by_winograd(const Geometry &g, int64_t images, Algorithm algorithm, WinogradWeights &form) {
  if (!may_be_winograd(g, algorithm)) return false;
  form.channels = g.channels, form.height = g.height, form.width = g.width, form.filters = g.filters;
  form.out_height = g.out_height, form.out_width = g.out_width, form.top = g.pads[0], form.left = g.pads[1];
  return form.choose(images) && (algorithm == Algorithm::winograd || form.pays(images, g.bf16));
}

// may_be_tiles: our own loops on matrix units are for the convolution, which the node doesn't forbid.
bool may_be_tiles(const Geometry &g, Algorithm algorithm) {
  return g.half && g.groups == 1 && algorithm != Algorithm::direct && tiles_possible();
}

// forward_by_tiles decides whether matrix units go over small images without oneDNN, and gives the form.
bool forward_by_tiles(const Geometry &g, Algorithm algorithm, TileForward &form) {
  if (!may_be_tiles(g, algorithm)) return false;
  form.channels = g.channels, form.height = g.height, form.width = g.width, form.filters = g.filters;
  form.out_height = g.out_height, form.out_width = g.out_width;
  for (int i = 0; i < 2; i++) {
    form.kernel[i] = g.kernel[i], form.strides[i] = g.strides[i], form.dilations[i] = g.dilations[i];
    form.pads[i] = g.pads[i];
  }
  return form.pays();
}

// input_by_tiles decides it for the gradient by the input, which goes over dY.
bool input_by_tiles(const Geometry &g, Algorithm algorithm, TileForward &form) {
  if (!forward_by_tiles(g, algorithm, form) || g.strides[0] != 1 || g.strides[1] != 1) return false;
  std::swap(form.channels, form.filters);
  std::swap(form.height, form.out_height);
  std::swap(form.width, form.out_width);
  for (int i = 0; i < 2; i++) form.pads[i] = (g.kernel[i] - 1) * g.dilations[i] - g.pads[i];
  return form.pays();
}

// pack_tiles copies weights on all threads.
void pack_tiles(const Run &run, const TileForward &form, const Tensor &w, bool flipped, bf16 *to) {
  const int64_t n = form.blocks(), tasks = std::min<int64_t>(run.session.threads, n);
  run.parallel(tasks, [&](size_t t) {
    const Part part(n, tasks, t);
    form.pack(w.floats(), flipped, to, part.begin, part.end);
  });
}

// weights_by_tiles decides whether matrix units do it, and gives the form.
bool weights_by_tiles(const Geometry &g, Algorithm algorithm, TileWeights &form) {
  if (!may_be_tiles(g, algorithm)) return false;
  form.channels = g.channels, form.height = g.height, form.width = g.width, form.filters = g.filters;
  form.out_height = g.out_height, form.out_width = g.out_width;
  std::memcpy(form.kernel, g.kernel, sizeof g.kernel);
  std::memcpy(form.strides, g.strides, sizeof g.strides);
  std::memcpy(form.pads, g.pads, sizeof g.pads);
  std::memcpy(form.dilations, g.dilations, sizeof g.dilations);
  return form.choose();
}

// Attributes are those of a node.
struct Attributes {
  std::vector<int64_t> kernel, strides, pads, dilations;
  int64_t groups;
  bool bf16, half, constant;
  Algorithm algorithm = Algorithm::automatic;
  explicit Attributes(const Node &node)
      : kernel(node.integers("kernel_shape", 2, 0)),
        strides(node.integers("strides", 2, 1)),
        pads(node.integers("pads", 4, 0)),
        dilations(node.integers("dilations", 2, 1)),
        groups(node.integer("group", 1)),
        half(node.half),
        constant(node.integer("constant_weights", 0)) {
    const std::string precision = node.text("precision", "f32");
    if (precision != "f32" && precision != "bf16") throw Fault("precision must be f32 or bf16");
    bf16 = half || precision == "bf16";
    if (bf16 && !ordo_onednn_bf16()) throw Fault("this processor has no instructions for bfloat16: use precision f32");
    for (int i = 0; i < 2; i++)
      if (kernel[i] < 1 || strides[i] < 1 || dilations[i] < 1 || pads[i] < 0 || pads[i + 2] < 0)
        throw Fault("kernel_shape, strides and dilations must be at least 1, pads at least 0");
    if (groups < 1) throw Fault("group must be at least 1");
    const std::string name = node.text("algorithm", "auto");
    if (name != "auto" && name != "direct" && name != "winograd")
      throw Fault("algorithm must be auto, direct or winograd");
    if (name != "auto") algorithm = name == "direct" ? Algorithm::direct : Algorithm::winograd;
  }

  Geometry over(const Tensor &x, const Tensor &w) const {
    Geometry g{};
    g.channels = x.dims[1], g.height = x.dims[2], g.width = x.dims[3], g.filters = w.dims[0], g.groups = groups,
    g.bf16 = bf16, g.half = half;
    if (g.channels % groups || g.filters % groups || w.dims[1] != g.channels / groups || w.dims[2] != kernel[0] ||
        w.dims[3] != kernel[1])
      throw Fault("W has shape " + shape(w.dims) + ", X " + shape(x.dims) + ": that does not fit " +
                  std::to_string(groups) + " groups and a kernel of " + shape(kernel));
    for (int i = 0; i < 2; i++) {
      g.kernel[i] = kernel[i], g.strides[i] = strides[i], g.dilations[i] = dilations[i];
      g.pads[i] = pads[i], g.pads[2 + i] = pads[2 + i];
    }
    g.size_output();
    return g;
  }
};

// Plans keeps what was prepared for the last shapes.
template <class Plan>
class Plans {
 public:
  template <class MakePlan>
  Plan &get(const std::vector<int64_t> &dims, MakePlan make) {
    for (auto it = plans_.begin(); it != plans_.end(); ++it)
      if (it->first == dims) {
        plans_.splice(plans_.begin(), plans_, it);
        return plans_.front().second;
      }
    plans_.emplace_front(dims, make());
    if (plans_.size() > kPlans) plans_.pop_back();
    return plans_.front().second;
  }

 private:
  std::list<std::pair<std::vector<int64_t>, Plan>> plans_;
};

// Ordered are weights in a primitive's order: how to get there from the plain one, and where they lie among the shared
// scratch.
struct Ordered {
  const dnnl_memory_desc *desc;
  Primitive reorder;
  size_t at;
};

// ordered prepares weights in the order that p wants, once for all primitives that want the same.
void ordered(std::vector<Ordered> &all, Layout &shared, const dnnl_memory_desc *plain, const Primitive &p) {
  const dnnl_memory_desc *want = p.md(DNNL_QUERY_WEIGHTS);
  for (const Ordered &o : all)
    if (dnnl.memory_desc_equal(o.desc, want)) return;
  all.push_back({want, make_reorder(plain, want), shared.add(dnnl.memory_desc_get_size(want))});
}

const char *find_ordered(const std::vector<Ordered> &all, const char *shared, const Primitive &p) {
  for (const Ordered &o : all)
    if (dnnl.memory_desc_equal(o.desc, p.md(DNNL_QUERY_WEIGHTS))) return shared + o.at;
  throw Fault("weights were not prepared");
}

// reorder_weights brings the weights into each order that is wanted.
void reorder_weights(const Run &run, const std::vector<Ordered> &all, const dnnl_memory_desc *plain, const Tensor &w,
                     char *shared) {
  for (const Ordered &o : all) {
    Buffer &scratch = run.session.slice(0);
    o.reorder.execute(run.session.stream(0), {{DNNL_SRC, plain, w.data}, {DNNL_DST, o.desc, shared + o.at}},
                      scratch.reserve(o.reorder.scratch()));
  }
}

int64_t slices_of(const Run &run, int64_t images) { return std::min<int64_t>(run.session.threads, images); }

// sizes are the one or two numbers of images that slices have.
std::vector<int64_t> sizes(int64_t images, int64_t slices) {
  std::vector<int64_t> v{images / slices};
  if (images % slices) v.push_back(images / slices + 1);
  return v;
}

class Conv : public Kernel {
 public:
  explicit Conv(const Node &node) : attributes_(node) {}

  void run(const Run &run) override {
    dnnl.alone();
    const Tensor x = run.image(0, "X"), w = run.image(1, "W"), b = run.input(2);
    const int64_t images = x.dims[0], slices = slices_of(run, images);
    std::vector<int64_t> key = x.dims;
    key.insert(key.end(), w.dims.begin(), w.dims.end());
    key.push_back(bool(b));
    Plan &plan = plans_.get(key, [&] { return prepare(run, x, w, b, sizes(images, slices)); });
    const Geometry &g = plan.geometry;
    const Tensor y = run.output(0, {images, g.filters, g.out_height, g.out_width});
    if (plan.winograd)
      return plan.winograd.run(run, x.floats(), {w.floats(), 9, g.channels * 9, false}, b.floats(), y.floats());

    Buffer &weights = attributes_.constant ? *plan.constant : run.session.shared();
    char *shared = weights.reserve(plan.shared.bytes);
    for (int64_t t = 0; t < slices; t++) run.session.slice(t).reserve(plan.slice.bytes);
    const bool prepared = plan.prepared;
    plan.prepared = attributes_.constant;
    if (plan.by_tiles) {
      bf16 *const packed = reinterpret_cast<bf16 *>(shared);
      if (!prepared) pack_tiles(run, plan.tiles, w, false, packed);
      run.parallel(slices, [&](size_t t) {
        const Part part(images, slices, t);
        const bf16 *const from = x.as<bf16>() + part.begin * g.in_pixels() * g.channels;
        plan.tiles.run(part.end - part.begin, from, packed, b.floats(),
                       y.as<bf16>() + part.begin * g.out_pixels() * g.filters,
                       run.session.slice(t).reserve(plan.slice.bytes));
      });
      return;
    }
    if (!prepared) reorder_weights(run, plan.weights, plan.plain.get(), w, shared);
    run.parallel(slices, [&](size_t t) {
      const Part part(images, slices, t);
      const Primitive &p = plan.of(part.end - part.begin);
      char *scratch = run.session.slice(t).reserve(plan.slice.bytes);
      const void *in = x.as<char>() + part.begin * g.in_pixels() * g.channels * g.element();
      void *const out = y.as<char>() + part.begin * g.out_pixels() * g.filters * g.element();
      if (g.bf16 && !g.half) {
        loops().round(static_cast<const float *>(in), reinterpret_cast<bf16 *>(scratch),
                      (part.end - part.begin) * g.in_pixels() * g.channels);
        in = scratch;
      }
      p.execute(run.session.stream(t),
                {{DNNL_SRC, p.md(DNNL_QUERY_SRC), in},
                 {DNNL_WEIGHTS, p.md(DNNL_QUERY_WEIGHTS), find_ordered(plan.weights, shared, p)},
                 {DNNL_BIAS, plan.bias.get(), b.data},
                 {DNNL_DST, p.md(DNNL_QUERY_DST), out}},
                scratch + plan.scratch);
    });
  }

 private:
  struct Plan {
    Geometry geometry;
    Winograd winograd;  // or
    bool by_tiles = false;
    TileForward tiles{};  // or
    Desc plain, bias;
    std::vector<std::pair<int64_t, Primitive>> primitives;  // by images
    std::vector<Ordered> weights;
    Layout shared, slice;
    size_t scratch = 0;  // where in a slice
    // Weights that are constant are prepared once, and kept here.
    std::unique_ptr<Buffer> constant = std::make_unique<Buffer>();
    bool prepared = false;

    const Primitive &of(int64_t images) const {
      for (const auto &p : primitives)
        if (p.first == images) return p.second;
      throw Fault("no primitive was prepared");
    }
  };

  Plan prepare(const Run &run, const Tensor &x, const Tensor &w, const Tensor &b,
               const std::vector<int64_t> &images) const {
    Plan plan;
    Geometry &g = plan.geometry = attributes_.over(x, w);
    g.bias = bool(b);
    if (b && (b.dims.size() != 1 || b.dims[0] != g.filters)) throw Fault("B has shape " + shape(b.dims));
    if (by_winograd(g, tiles(g), x.dims[0], attributes_.algorithm)) {
      plan.winograd = Winograd(tiles(g), x.dims[0], g.channels, g.filters, run.session.threads);
      return plan;
    }
    if (forward_by_tiles(g, attributes_.algorithm, plan.tiles)) {
      plan.by_tiles = true;
      plan.shared.add(plan.tiles.weights() * sizeof(bf16));
      plan.slice.add(plan.tiles.scratch());
      return plan;
    }
    plan.plain = plain_weights(g);
    plan.bias = vector_of(g.filters);
    size_t scratch = 0;
    for (int64_t n : images) {
      plan.primitives.emplace_back(n, make_forward(g, n));
      Primitive &p = plan.primitives.back().second;
      if (!p || p.reference()) throw Fault(no_kernel(g, "forward pass", p));
      p.build();
      scratch = std::max(scratch, p.scratch());
      ordered(plan.weights, plan.shared, plan.plain.get(), p);
    }
    if (g.bf16 && !g.half) plan.slice.add(images.back() * g.in_pixels() * g.channels * 2);
    plan.scratch = plan.slice.add(scratch);
    return plan;
  }

  const Attributes attributes_;
  Plans<Plan> plans_;
};

class ConvGrad : public Kernel {
 public:
  explicit ConvGrad(const Node &node) : attributes_(node) {}

  void run(const Run &run) override {
    dnnl.alone();
    const Tensor dy = run.image(0, "dY"), x = run.image(1, "X"), w = run.image(2, "W");
    const int64_t images = x.dims[0], slices = slices_of(run, images);
    const Tensor dx = run.output(0, x.dims), dw = run.output(1, w.dims), db = run.output(2, {w.dims[0]});
    std::vector<int64_t> key = x.dims;
    key.insert(key.end(), w.dims.begin(), w.dims.end());
    key.push_back(bool(dx));
    key.push_back(bool(db));
    Plan &plan = plans_.get(key, [&] { return prepare(run, x, w, bool(dx), bool(db), sizes(images, slices)); });
    const Geometry &g = plan.geometry;
    if (dy.dims != std::vector<int64_t>{images, g.filters, g.out_height, g.out_width})
      throw Fault("dY has shape " + shape(dy.dims) + ", X " + shape(x.dims) + " and W " + shape(w.dims));
    if (plan.winograd) plan.winograd.run(run, dy.floats(), {w.floats(), g.channels * 9, 9, true}, nullptr, dx.floats());
    if (plan.winograd && !dw && !db) return;

    char *shared = run.session.shared().reserve(plan.shared.bytes);
    for (int64_t t = 0; t < slices; t++) run.session.slice(t).reserve(plan.slice.bytes);
    const bool direct = dx && !plan.winograd && !plan.input_tiles;
    bf16 *const packed = reinterpret_cast<bf16 *>(shared);
    if (plan.input_tiles) pack_tiles(run, plan.tiles_of_input, w, true, packed);
    if (direct && plan.own_data)
      loops().transpose(w.floats(), reinterpret_cast<float *>(shared), g.channels, g.kernel[0] * g.kernel[1]);
    if (direct && !plan.own_data) reorder_weights(run, plan.weights, plan.plain.get(), w, shared);
    const Window window = g.window();
    const int64_t in = g.in_pixels() * g.channels, out = g.out_pixels() * g.filters;

    run.parallel(slices, [&](size_t t) {
      const Part part(images, slices, t);
      const int64_t n = part.end - part.begin;
      const Sized &s = plan.of(n);
      char *scratch = run.session.slice(t).reserve(plan.slice.bytes);
      const void *xp = x.as<char>() + part.begin * in * g.element(),
                 *yp = dy.as<char>() + part.begin * out * g.element();
      void *dxp = dx ? dx.as<char>() + part.begin * in * g.element() : nullptr;
      const float *xs = static_cast<const float *>(xp), *ys = static_cast<const float *>(yp);  // unless in bfloat16
      float *dxs = static_cast<float *>(dxp);
      if (plan.bf16_x) {
        loops().round(xs, reinterpret_cast<bf16 *>(scratch + plan.x), n * in);
        xp = scratch + plan.x;
      }
      if (plan.bf16_y) {
        loops().round(ys, reinterpret_cast<bf16 *>(scratch + plan.y), n * out);
        yp = scratch + plan.y;
      }
      dnnl_stream *stream = run.session.stream(t);
      if (plan.input_tiles)
        plan.tiles_of_input.run(n, static_cast<const bf16 *>(yp), packed, nullptr, static_cast<bf16 *>(dxp),
                                scratch + plan.scratch);
      if (direct && plan.own_data)
        for (int64_t i = 0; i < n; i++)
          loops().depthwise_input(window, ys + i * out, reinterpret_cast<float *>(shared), dxs + i * in);
      if (direct && !plan.own_data)
        s.data.execute(stream,
                       {{DNNL_DIFF_DST, s.data.md(DNNL_QUERY_DIFF_DST), yp},
                        {DNNL_WEIGHTS, s.data.md(DNNL_QUERY_WEIGHTS), find_ordered(plan.weights, shared, s.data)},
                        {DNNL_DIFF_SRC, s.data.md(DNNL_QUERY_DIFF_SRC), dxp}},
                       scratch + plan.scratch);
      if (!dw && !db) return;
      if (plan.tile_weights) {
        if (dw)
          plan.tiles.gradient(n, static_cast<const bf16 *>(xp), static_cast<const bf16 *>(yp),
                              reinterpret_cast<float *>(scratch + plan.dw), scratch + plan.scratch);
        if (db)
          image_bias(g, n, static_cast<const bf16 *>(yp), reinterpret_cast<float *>(scratch + plan.db),
                     reinterpret_cast<float *>(scratch + plan.scratch));
        return;
      }
      if (plan.own_weights) {
        own_weights(plan, window, n, xs, ys, reinterpret_cast<float *>(scratch + plan.dw),
                    reinterpret_cast<float *>(scratch + plan.scratch));
        if (db) own_bias(n * g.out_pixels(), g.filters, ys, reinterpret_cast<float *>(scratch + plan.db));
        return;
      }
      if (plan.winograd_weights) {
        if (dw) plan.form.gradient(n, xs, ys, reinterpret_cast<float *>(scratch + plan.dw), scratch + plan.scratch);
        if (db)
          image_bias(g, n, ys, reinterpret_cast<float *>(scratch + plan.db),
                     reinterpret_cast<float *>(scratch + plan.scratch));
        return;
      }
      char *to = scratch + (plan.mixed ? plan.unordered : plan.dw);
      s.weights.execute(stream,
                        {{DNNL_SRC, s.weights.md(DNNL_QUERY_SRC), xp},
                         {DNNL_DIFF_DST, s.weights.md(DNNL_QUERY_DIFF_DST), yp},
                         {DNNL_DIFF_WEIGHTS, s.weights.md(DNNL_QUERY_DIFF_WEIGHTS), to},
                         {DNNL_DIFF_BIAS, plan.bias.get(), db ? scratch + plan.db : nullptr}},
                        scratch + plan.scratch);
      if (plan.mixed)
        s.back.execute(
            stream,
            {{DNNL_SRC, s.weights.md(DNNL_QUERY_DIFF_WEIGHTS), to}, {DNNL_DST, plan.plain.get(), scratch + plan.dw}},
            scratch + plan.scratch);
    });
    if (dw || db) sum(run, plan, slices, dw, db);
  }

 private:
  // Sized are the primitives for a number of images.
  struct Sized {
    int64_t images;
    Primitive data, weights, back;  // back: from the order of weights to the plain one
  };

  struct Plan {
    Geometry geometry;
    Winograd winograd;  // for the gradient by the input, or primitives
    Desc plain, bias;
    bool own_data = false, own_weights = false;  // by our loops instead of primitives
    bool winograd_weights = false;               // in this form
    WinogradWeights form{};
    bool input_tiles = false;  // on matrix units, in this form
    TileForward tiles_of_input{};
    bool tile_weights = false;  // likewise
    TileWeights tiles{};
    bool bf16_x = false, bf16_y = false;         // some primitive wants X, dY in bfloat16
    bool mixed = false;                          // the sizes have different orders of dW: slices have it plain
    std::vector<Sized> sized;
    std::vector<Ordered> weights;
    Layout shared, slice;
    size_t x = 0, y = 0, scratch = 0, dw = 0, db = 0, unordered = 0;  // where in a slice
    size_t dw_floats = 0;

    const Sized &of(int64_t images) const {
      for (const Sized &s : sized)
        if (s.images == images) return s;
      throw Fault("no primitives were prepared");
    }
  };

  Plan prepare(const Run &run, const Tensor &x, const Tensor &w, bool need_dx, bool need_db,
               const std::vector<int64_t> &images) const {
    Plan plan;
    Geometry &g = plan.geometry = attributes_.over(x, w);
    g.bias = need_db;
    if (need_dx && by_winograd(g, gradient_tiles(g), x.dims[0], attributes_.algorithm)) {
      plan.winograd = Winograd(gradient_tiles(g), x.dims[0], g.filters, g.channels, run.session.threads);
      need_dx = false;  // of primitives
    }
    if (need_dx && input_by_tiles(g, attributes_.algorithm, plan.tiles_of_input)) {
      plan.input_tiles = true;
      plan.shared.add(plan.tiles_of_input.weights() * sizeof(bf16));
      need_dx = false;  // of primitives
    }
    plan.plain = plain_weights(g);
    plan.bias = vector_of(g.filters);
    plan.winograd_weights = weights_by_winograd(g, images.back(), attributes_.algorithm, plan.form);
    plan.tile_weights = weights_by_tiles(g, attributes_.algorithm, plan.tiles);
    for (int64_t n : images) {
      plan.sized.emplace_back();
      Sized &s = plan.sized.back();
      s.images = n;
      if (need_dx) {
        s.data = make_data(g, n);
        if (!usable(g, s.data)) {
          if (!g.own_loops()) throw Fault(no_kernel(g, "gradient of the input", s.data));
          plan.own_data = true;
        }
      }
      if (plan.winograd_weights || plan.tile_weights) continue;
      // All sizes in one order of dW if they can.
      const dnnl_memory_desc *order =
          plan.sized.size() > 1 && plan.sized[0].weights ? plan.sized[0].weights.md(DNNL_QUERY_DIFF_WEIGHTS) : nullptr;
      s.weights = make_weights(g, n, order);
      if (order && !usable(g, s.weights)) {
        s.weights = make_weights(g, n, nullptr);
        plan.mixed = true;
      }
      if (!usable(g, s.weights)) {
        if (!g.own_loops()) throw Fault(no_kernel(g, "gradient of the weights", s.weights));
        plan.own_weights = true;
      }
    }
    size_t scratch = 0, largest = size_t(g.weights()) * sizeof(float);
    for (Sized &s : plan.sized) {
      if (need_dx && !plan.own_data) {
        s.data.build();
        scratch = std::max(scratch, s.data.scratch());
        ordered(plan.weights, plan.shared, plan.plain.get(), s.data);
      }
      if (!plan.own_weights && !plan.winograd_weights && !plan.tile_weights) {
        s.weights.build();
        s.back = make_reorder(s.weights.md(DNNL_QUERY_DIFF_WEIGHTS), plan.plain.get());
        scratch = std::max({scratch, s.weights.scratch(), s.back.scratch()});
        largest = std::max(largest, dnnl.memory_desc_get_size(s.weights.md(DNNL_QUERY_DIFF_WEIGHTS)));
      }
    }
    if (plan.own_data) plan.shared.add(size_t(g.weights()) * sizeof(float));
    if (plan.own_weights) scratch = std::max(scratch, size_t(g.weights()) * sizeof(float));
    if (plan.winograd_weights)
      for (int64_t n : images)
        scratch = std::max({scratch, plan.form.scratch(n), 3 * size_t(g.filters) * sizeof(float)});
    if (plan.tile_weights) {
      largest = plan.tiles.sums() * sizeof(float);
      for (int64_t n : images)
        scratch = std::max({scratch, plan.tiles.scratch(n), 3 * size_t(g.filters) * sizeof(float)});
    }
    if (plan.input_tiles) scratch = std::max(scratch, plan.tiles_of_input.scratch());
    plan.bf16_x = g.bf16 && !g.half && !plan.winograd_weights;
    plan.bf16_y = g.bf16 && !g.half && (need_dx || !plan.winograd_weights);
    if (plan.bf16_x) plan.x = plan.slice.add(images.back() * g.in_pixels() * g.channels * 2);
    if (plan.bf16_y) plan.y = plan.slice.add(images.back() * g.out_pixels() * g.filters * 2);
    plan.dw = plan.slice.add(largest);
    plan.dw_floats = (plan.own_weights || plan.mixed ? size_t(g.weights()) * sizeof(float) : largest) / sizeof(float);
    if (plan.mixed) plan.unordered = plan.slice.add(largest);
    plan.db = plan.slice.add(g.filters * sizeof(float));
    plan.scratch = plan.slice.add(scratch);
    return plan;
  }

  // image_bias sums dy image by image; scratch is for three numbers a filter.
  template <class E>
  static void image_bias(const Geometry &g, int64_t images, const E *dy, float *db, float *scratch) {
    float *zero = scratch, *sum = zero + g.filters, *square = sum + g.filters;
    std::fill_n(zero, g.filters, 0.0f);
    std::fill_n(db, g.filters, 0.0f);
    for (int64_t i = 0; i < images; i++) {
      loops().of<E>().moments(dy + i * g.out_pixels() * g.filters, g.out_pixels(), g.filters, zero, sum, square);
      loops().add(db, sum, g.filters);
    }
  }

  // own_weights adds up over the images of a slice in float32 image by image, so that no sum is over too many numbers.
  static void own_weights(const Plan &plan, const Window &w, int64_t images, const float *x, const float *dy, float *dw,
                          float *one) {
    const Geometry &g = plan.geometry;
    std::fill_n(dw, g.weights(), 0.0f);
    for (int64_t i = 0; i < images; i++) {
      std::fill_n(one, g.weights(), 0.0f);
      loops().depthwise_weights(w, x + i * g.in_pixels() * g.channels, dy + i * g.out_pixels() * g.filters, one);
      loops().add(dw, one, g.weights());
    }
  }

  static void own_bias(int64_t rows, int64_t filters, const float *dy, float *db) {
    std::fill_n(db, filters, 0.0f);
    for (int64_t r = 0; r < rows; r++) loops().add(db, dy + r * filters, filters);
  }

  // sum adds up the slices' gradients and hands them out in the plain order.
  void sum(const Run &run, const Plan &plan, int64_t slices, const Tensor &dw, const Tensor &db) const {
    std::vector<char *> at(slices);
    for (int64_t t = 0; t < slices; t++) at[t] = run.session.slice(t).reserve(plan.slice.bytes);
    if (dw && plan.winograd_weights) sum_winograd(run, plan, at, dw);
    if (dw && plan.tile_weights) sum_tiles(run, plan, at, dw);
    if (dw && !plan.winograd_weights && !plan.tile_weights) sum_ordered(run, plan, at, dw);
    if (!db) return;
    const int64_t filters = plan.geometry.filters;
    std::copy_n(reinterpret_cast<float *>(at[0] + plan.db), filters, db.floats());
    for (int64_t t = 1; t < slices; t++) loops().add(db.floats(), reinterpret_cast<float *>(at[t] + plan.db), filters);
  }

  static void sum_winograd(const Run &run, const Plan &plan, const std::vector<char *> &at, const Tensor &dw) {
    std::vector<const float *> sums;
    for (const char *slice : at) sums.push_back(reinterpret_cast<const float *>(slice + plan.dw));
    const int64_t n = plan.geometry.filters / plan.form.lanes, tasks = tasks_for(run, plan.geometry.weights(), n);
    run.parallel(tasks, [&](size_t t) {
      const Part part(n, tasks, t);
      plan.form.sum(sums.data(), int64_t(sums.size()), dw.floats(), part.begin, part.end);
    });
  }

  static void sum_tiles(const Run &run, const Plan &plan, const std::vector<char *> &at, const Tensor &dw) {
    std::vector<const float *> sums;
    for (const char *slice : at) sums.push_back(reinterpret_cast<const float *>(slice + plan.dw));
    const int64_t n = plan.tiles.blocks(), tasks = tasks_for(run, plan.geometry.weights(), n);
    run.parallel(tasks, [&](size_t t) {
      const Part part(n, tasks, t);
      plan.tiles.sum(sums.data(), int64_t(sums.size()), dw.floats(), part.begin, part.end);
    });
  }

  void sum_ordered(const Run &run, const Plan &plan, const std::vector<char *> &at, const Tensor &dw) const {
    const Geometry &g = plan.geometry;
    float *const sum = reinterpret_cast<float *>(at[0] + plan.dw);
    if (at.size() > 1) {
      const int64_t n = int64_t(plan.dw_floats), tasks = tasks_for(run, n, n);
      run.parallel(tasks, [&](size_t t) {
        const Part part(n, tasks, t);
        for (size_t s = 1; s < at.size(); s++)
          loops().add(sum + part.begin, reinterpret_cast<float *>(at[s] + plan.dw) + part.begin, part.end - part.begin);
      });
    }
    if (plan.own_weights)
      loops().transpose(sum, dw.floats(), g.kernel[0] * g.kernel[1], g.channels);
    else if (plan.mixed)
      std::copy_n(sum, g.weights(), dw.floats());
    else
      plan.sized[0].back.execute(
          run.session.stream(0),
          {{DNNL_SRC, plan.sized[0].weights.md(DNNL_QUERY_DIFF_WEIGHTS), sum}, {DNNL_DST, plan.plain.get(), dw.data}},
          at[0] + plan.scratch);
  }

  // tasks_for is how many tasks n parts of so many numbers are worth.
  static int64_t tasks_for(const Run &run, int64_t numbers, int64_t n) {
    return std::min({int64_t(run.session.threads), n, std::max<int64_t>(1, numbers / 16384)});
  }

  const Attributes attributes_;
  Plans<Plan> plans_;
};

}  // namespace

std::unique_ptr<Kernel> make_conv(const Node &node) { return std::make_unique<Conv>(node); }
std::unique_ptr<Kernel> make_conv_grad(const Node &node) { return std::make_unique<ConvGrad>(node); }

}  // namespace ordo

using namespace ordo;

char *ordo_convolution_check(const ordo_convolution *c, int *fault) {
  *fault = 1;
  try {
    dnnl.alone();
    Geometry g{};
    g.channels = c->channels, g.height = c->height, g.width = c->width, g.filters = c->filters, g.groups = c->groups;
    std::memcpy(g.kernel, c->kernel, sizeof g.kernel);
    std::memcpy(g.strides, c->strides, sizeof g.strides);
    std::memcpy(g.pads, c->pads, sizeof g.pads);
    std::memcpy(g.dilations, c->dilations, sizeof g.dilations);
    g.half = c->half, g.bf16 = c->bf16 || c->half, g.bias = c->bias;
    if (g.bf16 && !ordo_onednn_bf16()) throw Fault("this processor has no instructions for bfloat16");
    g.size_output();
    const Primitive forward = make_forward(g, c->batch), data = make_data(g, c->batch),
                    weights = make_weights(g, c->batch, nullptr);
    const char *winograd = "winograd F(4x4, 3x3)";
    const bool ahead = by_winograd(g, tiles(g), c->batch, Algorithm::automatic);
    const bool back = by_winograd(g, gradient_tiles(g), c->batch, Algorithm::automatic);
    WinogradWeights form{};
    TileWeights of_tiles{};
    const bool by_tiles = weights_by_tiles(g, Algorithm::automatic, of_tiles);
    const bool of_weights = weights_by_winograd(g, c->batch, Algorithm::automatic, form);
    if (!forward || forward.reference()) throw Fault(no_kernel(g, "forward pass", forward));
    if (!usable(g, data) && !g.own_loops()) throw Fault(no_kernel(g, "gradient of the input", data));
    if (!usable(g, weights) && !g.own_loops() && !by_tiles)
      throw Fault(no_kernel(g, "gradient of the weights", weights));
    *fault = 0;
    return strdup(((ahead ? winograd : forward.info()) + ", " +
                   (back ? winograd : usable(g, data) ? data.info() : "own loop") + ", " +
                   (by_tiles ? "tiles" : of_weights ? form.name() : usable(g, weights) ? weights.info() : "own loop"))
                      .c_str());
  } catch (const std::exception &e) {
    return strdup(e.what());
  }
}
