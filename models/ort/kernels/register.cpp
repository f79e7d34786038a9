// The table of operators, and their border to ONNX Runtime's C interface.
#include <cstdlib>
#include <cstring>
#include <deque>
#include <initializer_list>

#include "kernels.h"
#include "session.h"

namespace ordo {
namespace {

// InPlace gives the numbers of inputs and of the outputs that may take their memory, and how many these are.
using InPlace = size_t (*)(int **inputs, int **outputs);

template <int... pairs>  // an input, its output, and so on
size_t in_place(int **inputs, int **outputs) {
  constexpr int list[] = {pairs...};
  constexpr size_t n = sizeof...(pairs) / 2;
  *inputs = static_cast<int *>(std::malloc(n * sizeof(int)));
  *outputs = static_cast<int *>(std::malloc(n * sizeof(int)));
  if (!*inputs || !*outputs) return 0;
  for (size_t i = 0; i < n; i++) (*inputs)[i] = list[2 * i], (*outputs)[i] = list[2 * i + 1];
  return n;
}

// Operator is what ONNX Runtime asks about one operator.
struct Operator {
  const char *name;
  Make make;
  size_t inputs, required_inputs, outputs, required_outputs;
  int bytes_input, bytes_output;        // which of them is of uint8, -1: none
  InPlace in_place = nullptr;           // outputs that may take an input's memory
  const char *half_name = nullptr;      // what it is called with activations in bfloat16; null: it is not
  unsigned half_inputs = 0, half_outputs = 0;  // which are these then, a bit each
};

// bits of these numbers.
constexpr unsigned bits(std::initializer_list<int> numbers) {
  unsigned b = 0;
  for (int n : numbers) b |= 1u << n;
  return b;
}

const Operator kOperators[] = {
    {"Reorder", make_reorder, 1, 1, 1, 1, -1, -1},
    {"Round", make_round, 1, 1, 1, 1, -1, -1, nullptr, "Round", 0, bits({0})},
    {"Widen", make_widen, 1, 1, 1, 1, -1, -1, nullptr, "Widen", bits({0}), 0},
    {"Conv", make_conv, 3, 2, 1, 1, -1, -1, nullptr, "ConvBF16", bits({0}), bits({0})},
    {"ConvGrad", make_conv_grad, 3, 3, 3, 0, -1, -1, nullptr, "ConvGradBF16", bits({0, 1}), bits({0})},
    {"BatchNorm", make_batch_norm, 6, 5, 3, 3, -1, -1, in_place<5, 0>, "BatchNormBF16", bits({0, 5}), bits({0})},
    {"BatchNormGrad", make_batch_norm_grad, 8, 6, 4, 3, -1, -1, in_place<0, 0, 6, 3>, "BatchNormGradBF16",
     bits({0, 1, 2, 6}), bits({0, 3})},
    {"Normalize", make_normalize, 6, 5, 1, 1, -1, -1, in_place<0, 0>, "NormalizeBF16", bits({0, 5}), bits({0})},
    {"MaxPool", make_max_pool, 1, 1, 2, 1, -1, 1, nullptr, "MaxPoolBF16", bits({0}), bits({0})},
    {"MaxPoolGrad", make_max_pool_grad, 2, 2, 1, 1, 1, -1, nullptr, "MaxPoolGradBF16", bits({0}), bits({0})},
    {"AveragePool", make_average_pool, 1, 1, 1, 1, -1, -1, nullptr, "AveragePoolBF16", bits({0}), bits({0})},
    {"AveragePoolGrad", make_average_pool_grad, 1, 1, 1, 1, -1, -1, nullptr, "AveragePoolGradBF16", bits({0}),
     bits({0})},
    {"Linear", make_linear, 3, 2, 1, 1, -1, -1},
    {"LinearGrad", make_linear_grad, 3, 3, 3, 0, -1, -1},
    {"MatMul", make_matmul, 2, 2, 1, 1, -1, -1},
    {"Activation", make_activation, 1, 1, 1, 1, -1, -1, in_place<0, 0>},
    {"ActivationGrad", make_activation_grad, 2, 2, 1, 1, -1, -1, in_place<0, 0>},
    {"ChannelScale", make_channel_scale, 2, 2, 1, 1, -1, -1, in_place<0, 0>},
    {"ChannelScaleGrad", make_channel_scale_grad, 3, 3, 2, 0, -1, -1, in_place<0, 0>},
    {"LayerNorm", make_layer_norm, 3, 2, 3, 3, -1, -1, in_place<0, 0>},
    {"LayerNormGrad", make_layer_norm_grad, 5, 5, 3, 0, -1, -1, in_place<0, 0>},
    {"SoftmaxGrad", make_softmax_grad, 2, 2, 1, 1, -1, -1, in_place<0, 0>},
};

}  // namespace
}  // namespace ordo

using namespace ordo;

namespace {

// Registered is an operator of one session; ONNX Runtime hands it back with every question.
struct Registered {
  OrtCustomOp op{};
  const Operator *what = nullptr;
  bool half = false;
  const char *name() const { return half ? what->half_name : what->name; }
  Session *session = nullptr;
};

// Made is a kernel with what its errors need.
struct Made {
  const Registered *of;
  std::string name;
  std::unique_ptr<Kernel> kernel;
};

const Registered &self(const OrtCustomOp *op) { return *reinterpret_cast<const Registered *>(op); }

OrtStatus *failure(const Registered &of, const std::string &node, const char *what) {
  std::string text = std::string("ordo::") + of.name() + (node.empty() ? "" : " " + node) + ": " + what;
  return of.session->ort.CreateStatus(ORT_FAIL, text.c_str());
}

OrtStatus *create(const OrtCustomOp *op, const void *, const OrtKernelInfo *info, void **kernel) {
  const Registered &of = self(op);
  std::string name;
  try {
    Node node(of.session->ort, info, of.half);
    name = node.name();
    if (node.text("layout", "nhwc") != "nhwc") throw Fault("layout must be nhwc");
    *kernel = new Made{&of, name, of.what->make(node)};
    return nullptr;
  } catch (const std::exception &e) {
    return failure(of, name, e.what());
  }
}

OrtStatus *compute(void *kernel, OrtKernelContext *context) {
  Made &made = *static_cast<Made *>(kernel);
  try {
    std::lock_guard<std::mutex> hold(made.of->session->lock);
    made.kernel->run(Run(*made.of->session, context));
    return nullptr;
  } catch (const std::exception &e) {
    return failure(*made.of, made.name, e.what());
  }
}

void fill(Registered &r, const Operator &what, bool half, Session &session) {
  r.what = &what;
  r.half = half;
  r.session = &session;
  OrtCustomOp &op = r.op;
  op.version = ORT_API_VERSION;
  op.GetName = [](const OrtCustomOp *o) { return self(o).name(); };
  op.GetExecutionProviderType = [](const OrtCustomOp *) -> const char * { return nullptr; };
  op.GetInputType = [](const OrtCustomOp *o, size_t i) -> int {
    const Registered &of = self(o);
    if (of.half && of.what->half_inputs >> i & 1) return ORT_BF16;
    return int(i) == of.what->bytes_input ? ORT_UINT8 : ORT_FLOAT;
  };
  op.GetOutputType = [](const OrtCustomOp *o, size_t i) -> int {
    const Registered &of = self(o);
    if (of.half && of.what->half_outputs >> i & 1) return ORT_BF16;
    return int(i) == of.what->bytes_output ? ORT_UINT8 : ORT_FLOAT;
  };
  op.GetInputTypeCount = [](const OrtCustomOp *o) { return self(o).what->inputs; };
  op.GetOutputTypeCount = [](const OrtCustomOp *o) { return self(o).what->outputs; };
  op.GetInputCharacteristic = [](const OrtCustomOp *o, size_t i) -> int {
    return i < self(o).what->required_inputs ? ORT_REQUIRED : ORT_OPTIONAL;
  };
  op.GetOutputCharacteristic = [](const OrtCustomOp *o, size_t i) -> int {
    return i < self(o).what->required_outputs ? ORT_REQUIRED : ORT_OPTIONAL;
  };
  op.GetInputMemoryType = [](const OrtCustomOp *, size_t) { return 0; };
  op.GetVariadicInputMinArity = op.GetVariadicOutputMinArity = [](const OrtCustomOp *) { return 1; };
  op.GetVariadicInputHomogeneity = op.GetVariadicOutputHomogeneity = [](const OrtCustomOp *) { return 0; };
  op.KernelDestroy = [](void *kernel) { delete static_cast<Made *>(kernel); };
  op.CreateKernelV2 = create;
  op.KernelComputeV2 = compute;
  op.GetMayInplace = what.in_place;
  op.ReleaseMayInplace = [](int *input, int *output) { std::free(input), std::free(output); };
}

}  // namespace

struct ordo_kernels {
  Session session;
  std::deque<Registered> operators;
};

ordo_kernels *ordo_kernels_register(const void *const *api, void *domain, int threads, char **error) try {
  auto kernels = std::unique_ptr<ordo_kernels>(new ordo_kernels{{Ort{api}, threads}, {}});
  const auto add = [&](const Operator &what, bool half) {
    kernels->operators.emplace_back();
    fill(kernels->operators.back(), what, half, kernels->session);
    kernels->session.check(kernels->session.ort.CustomOpDomain_Add(static_cast<OrtCustomOpDomain *>(domain),
                                                                   &kernels->operators.back().op));
  };
  for (const Operator &what : kOperators) {
    const bool converts = what.make == make_round || what.make == make_widen;
    if (!converts) add(what, false);
    if (what.half_name) add(what, true);
  }
  return kernels.release();
} catch (const std::exception &e) {
  *error = strdup(e.what());
  return nullptr;
}

void ordo_kernels_release(ordo_kernels *kernels) { delete kernels; }

size_t ordo_kernels_scratch(const ordo_kernels *kernels) { return kernels->session.scratch(); }
