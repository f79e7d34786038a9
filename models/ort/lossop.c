// The operator ordo::Loss: any number of float matrices in (the model outputs), as many out (the gradients of the loss
// with respect to them). Its kernel lends both to Go for the time of one call: nothing is copied.
#include "api.h"
#include "_cgo_export.h"

enum { MAX_OUTPUTS = 32 };

static const char *name(const OrtCustomOp *op) { return "Loss"; }
static const char *provider(const OrtCustomOp *op) { return NULL; }
static size_t one(const OrtCustomOp *op) { return 1; }
static int yes(const OrtCustomOp *op) { return 1; }
static int float_type(const OrtCustomOp *op, size_t index) { return ORT_FLOAT; }
static int variadic(const OrtCustomOp *op, size_t index) { return ORT_VARIADIC; }
static int default_memory(const OrtCustomOp *op, size_t index) { return ORT_MEM_DEFAULT; }
static void destroy(void *kernel) {}

static OrtStatus *create(const OrtCustomOp *op, const void *api, const OrtKernelInfo *info, void **kernel) {
  *kernel = (void *)op;
  return NULL;
}

#define TRY(call)                \
  do {                           \
    OrtStatus *status = call;    \
    if (status) return status;   \
  } while (0)

static OrtStatus *shape(const OrtValue *value, int64_t dims[2]) {
  OrtTensorTypeAndShapeInfo *info;
  TRY(ort_GetTensorTypeAndShape(value, &info));
  size_t rank;
  OrtStatus *status = ort_GetDimensionsCount(info, &rank);
  if (!status && rank != 2) status = ort_CreateStatus(ORT_FAIL, "ordo::Loss takes matrices [rows, columns] only");
  if (!status) status = ort_GetDimensions(info, dims, 2);
  ort_ReleaseTensorTypeAndShapeInfo(info);
  return status;
}

static OrtStatus *compute(void *kernel, OrtKernelContext *context) {
  ordo_loss_op *op = kernel;
  ordo_output outputs[MAX_OUTPUTS];
  size_t inputs, gradients;
  TRY(ort_KernelContext_GetInputCount(context, &inputs));
  TRY(ort_KernelContext_GetOutputCount(context, &gradients));
  if (inputs != gradients || inputs > MAX_OUTPUTS)
    return ort_CreateStatus(ORT_FAIL, "ordo::Loss takes 1 to 32 model outputs and gives a gradient for each");
  for (size_t i = 0; i < inputs; i++) {
    const OrtValue *value = NULL;
    OrtValue *gradient = NULL;
    int64_t dims[2];
    TRY(ort_KernelContext_GetInput(context, i, &value));
    TRY(shape(value, dims));
    TRY(ort_KernelContext_GetOutput(context, i, dims, 2, &gradient));
    // GetTensorMutableData is also the way to read; the loss does not write into data.
    TRY(ort_GetTensorMutableData((OrtValue *)value, (void **)&outputs[i].data));
    TRY(ort_GetTensorMutableData(gradient, (void **)&outputs[i].grad));
    outputs[i].rows = dims[0];
    outputs[i].columns = dims[1];
  }
  if (ordoLoss(op->handle, outputs, (int)inputs)) return ort_CreateStatus(ORT_FAIL, "the loss reported an error");
  return NULL;
}

void ordo_loss_op_init(ordo_loss_op *it, uintptr_t handle) {
  *it = (ordo_loss_op){
      .op = {.version = ORDO_API_VERSION,
             .GetName = name,
             .GetExecutionProviderType = provider,
             .GetInputType = float_type,
             .GetInputTypeCount = one,
             .GetOutputType = float_type,
             .GetOutputTypeCount = one,
             .KernelDestroy = destroy,
             .GetInputCharacteristic = variadic,
             .GetOutputCharacteristic = variadic,
             .GetInputMemoryType = default_memory,
             .GetVariadicInputMinArity = yes,
             .GetVariadicInputHomogeneity = yes,
             .GetVariadicOutputMinArity = yes,
             .GetVariadicOutputHomogeneity = yes,
             .CreateKernelV2 = create,
             .KernelComputeV2 = compute},
      .handle = handle};
}
