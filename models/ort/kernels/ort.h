// The part of ONNX Runtime's C interface that the operators call, in our own words; see ../api.h for how it is read.
#ifndef ORDO_KERNELS_ORT_H
#define ORDO_KERNELS_ORT_H

#include <cstddef>
#include <cstdint>

struct OrtCustomOpDomain;
struct OrtKernelContext;
struct OrtKernelInfo;
struct OrtShapeInferContext;
struct OrtStatus;
struct OrtTensorTypeAndShapeInfo;
struct OrtValue;

// A custom operator: filled by us, read by ONNX Runtime. Null entries are optional ones that we do not use.
struct OrtCustomOp {
  uint32_t version;
  void *(*CreateKernel)(const OrtCustomOp *, const void *api, const OrtKernelInfo *);
  const char *(*GetName)(const OrtCustomOp *);
  const char *(*GetExecutionProviderType)(const OrtCustomOp *);
  int (*GetInputType)(const OrtCustomOp *, size_t index);
  size_t (*GetInputTypeCount)(const OrtCustomOp *);
  int (*GetOutputType)(const OrtCustomOp *, size_t index);
  size_t (*GetOutputTypeCount)(const OrtCustomOp *);
  void (*KernelCompute)(void *kernel, OrtKernelContext *);
  void (*KernelDestroy)(void *kernel);
  int (*GetInputCharacteristic)(const OrtCustomOp *, size_t index);
  int (*GetOutputCharacteristic)(const OrtCustomOp *, size_t index);
  int (*GetInputMemoryType)(const OrtCustomOp *, size_t index);
  int (*GetVariadicInputMinArity)(const OrtCustomOp *);
  int (*GetVariadicInputHomogeneity)(const OrtCustomOp *);
  int (*GetVariadicOutputMinArity)(const OrtCustomOp *);
  int (*GetVariadicOutputHomogeneity)(const OrtCustomOp *);
  OrtStatus *(*CreateKernelV2)(const OrtCustomOp *, const void *api, const OrtKernelInfo *, void **kernel);
  OrtStatus *(*KernelComputeV2)(void *kernel, OrtKernelContext *);
  OrtStatus *(*InferOutputShapeFn)(const OrtCustomOp *, OrtShapeInferContext *);
  int (*GetStartVersion)(const OrtCustomOp *);
  int (*GetEndVersion)(const OrtCustomOp *);
  size_t (*GetMayInplace)(int **input, int **output);
  void (*ReleaseMayInplace)(int *input, int *output);
  size_t (*GetAliasMap)(int **input, int **output);
  void (*ReleaseAliasMap)(int *input, int *output);
};

namespace ordo {

enum { ORT_FAIL = 1 };                        // OrtErrorCode
enum { ORT_FLOAT = 1, ORT_UINT8 = 2, ORT_BF16 = 16 };  // ONNXTensorElementDataType
enum { ORT_REQUIRED = 0, ORT_OPTIONAL = 1 };  // OrtCustomOpInputOutputCharacteristic
enum { ORT_API_VERSION = 19 };

// Ort calls ONNX Runtime through its table of functions.
struct Ort {
  const void *const *table;

#define ORT_CALL(position, result, name, parameters, arguments) \
  result name parameters const { return((result(*) parameters) table[position]) arguments; }
  // clang-format off
  ORT_CALL(0, OrtStatus *, CreateStatus, (int code, const char *message), (code, message))
  ORT_CALL(2, const char *, GetErrorMessage, (const OrtStatus *status), (status))
  ORT_CALL(27, OrtStatus *, CustomOpDomain_Add, (OrtCustomOpDomain *domain, const OrtCustomOp *op), (domain, op))
  ORT_CALL(51, OrtStatus *, GetTensorMutableData, (OrtValue *value, void **data), (value, data))
  ORT_CALL(61, OrtStatus *, GetDimensionsCount, (const OrtTensorTypeAndShapeInfo *info, size_t *rank), (info, rank))
  ORT_CALL(62, OrtStatus *, GetDimensions, (const OrtTensorTypeAndShapeInfo *info, int64_t *dims, size_t rank),
           (info, dims, rank))
  ORT_CALL(65, OrtStatus *, GetTensorTypeAndShape, (const OrtValue *value, OrtTensorTypeAndShapeInfo **info),
           (value, info))
  ORT_CALL(85, OrtStatus *, KernelInfoGetAttribute_float, (const OrtKernelInfo *info, const char *name, float *value),
           (info, name, value))
  ORT_CALL(86, OrtStatus *, KernelInfoGetAttribute_int64, (const OrtKernelInfo *info, const char *name, int64_t *value),
           (info, name, value))
  ORT_CALL(87, OrtStatus *, KernelInfoGetAttribute_string,
           (const OrtKernelInfo *info, const char *name, char *text, size_t *size), (info, name, text, size))
  ORT_CALL(88, OrtStatus *, KernelContext_GetInputCount, (const OrtKernelContext *context, size_t *count),
           (context, count))
  ORT_CALL(89, OrtStatus *, KernelContext_GetOutputCount, (const OrtKernelContext *context, size_t *count),
           (context, count))
  ORT_CALL(90, OrtStatus *, KernelContext_GetInput,
           (const OrtKernelContext *context, size_t index, const OrtValue **value), (context, index, value))
  ORT_CALL(91, OrtStatus *, KernelContext_GetOutput,
           (OrtKernelContext *context, size_t index, const int64_t *dims, size_t rank, OrtValue **value),
           (context, index, dims, rank, value))
  ORT_CALL(93, void, ReleaseStatus, (OrtStatus *status), (status))
  ORT_CALL(99, void, ReleaseTensorTypeAndShapeInfo, (OrtTensorTypeAndShapeInfo *info), (info))
  ORT_CALL(163, OrtStatus *, KernelInfoGetAttributeArray_int64,
           (const OrtKernelInfo *info, const char *name, int64_t *values, size_t *count), (info, name, values, count))
  ORT_CALL(244, OrtStatus *, KernelInfo_GetNodeName, (const OrtKernelInfo *info, char *text, size_t *size),
           (info, text, size))
  ORT_CALL(274, OrtStatus *, KernelContext_ParallelFor,
           (const OrtKernelContext *context, void (*task)(void *, size_t), size_t tasks, size_t batches, void *data),
           (context, task, tasks, batches, data))
  // clang-format on
#undef ORT_CALL
};

}  // namespace ordo
#endif
