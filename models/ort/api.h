// The part of ONNX Runtime's C interface that ordo calls, in our own words.
//
// ONNX Runtime hands out its functions as tables of pointers whose positions never change, only grow. A line below
// names a function's position in its table, its parameters and its result; the macro turns the line into a C function
// that Go can call. The tables are those of OrtGetApiBase()->GetApi(ORDO_API_VERSION) and of its GetTrainingApi.
#ifndef ORDO_ORT_API_H
#define ORDO_ORT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The interface version that is asked for: the oldest that has all we call, so that newer libraries serve too.
#define ORDO_API_VERSION 19

typedef struct OrtAllocator OrtAllocator;
typedef struct OrtCUDAProviderOptionsV2 OrtCUDAProviderOptionsV2;
typedef struct OrtCheckpointState OrtCheckpointState;
typedef struct OrtCustomOpDomain OrtCustomOpDomain;
typedef struct OrtEnv OrtEnv;
typedef struct OrtKernelContext OrtKernelContext;
typedef struct OrtKernelInfo OrtKernelInfo;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtShapeInferContext OrtShapeInferContext;
typedef struct OrtStatus OrtStatus;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtTrainingSession OrtTrainingSession;
typedef struct OrtValue OrtValue;
typedef struct OrtCustomOp OrtCustomOp;

typedef struct OrtApiBase {
  const void *const *(*GetApi)(uint32_t version);
  const char *(*GetVersionString)(void);
} OrtApiBase;

enum { ORT_FAIL = 1 };                           // OrtErrorCode
enum { ORT_LOGGING_LEVEL_FATAL = 4 };            // OrtLoggingLevel
enum { ORT_FLOAT = 1, ORT_INT64 = 7 };           // ONNXTensorElementDataType
enum { ORT_DEVICE_ALLOCATOR = 0, ORT_MEM_DEFAULT = 0 };  // OrtAllocatorType, OrtMemType
enum { ORT_VARIADIC = 2 };                       // OrtCustomOpInputOutputCharacteristic
enum { ORT_PROPERTY_INT = 0, ORT_PROPERTY_FLOAT = 1, ORT_PROPERTY_STRING = 2 };  // OrtPropertyType

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

// Both tables belong to the one library that a process can open (ordo_open).
extern const void *const *ordo_api;
extern const void *const *ordo_training_api;

#define ORDO_CALL(table, position, result, name, parameters, arguments) \
  static inline result ort_##name parameters { return ((result(*) parameters)table[position])arguments; }
#define API(position, name, parameters, arguments) \
  ORDO_CALL(ordo_api, position, OrtStatus *, name, parameters, arguments)
#define RELEASE(position, type) ORDO_CALL(ordo_api, position, void, Release##type, (Ort##type * it), (it))
#define TRAINING(position, name, parameters, arguments) \
  ORDO_CALL(ordo_training_api, position, OrtStatus *, name, parameters, arguments)

// clang-format off
ORDO_CALL(ordo_api, 0, OrtStatus *, CreateStatus, (int code, const char *message), (code, message))
ORDO_CALL(ordo_api, 2, const char *, GetErrorMessage, (const OrtStatus *status), (status))
API(3, CreateEnv, (int level, const char *id, OrtEnv **env), (level, id, env))
API(8, CreateSessionFromArray,
    (const OrtEnv *env, const void *model, size_t size, const OrtSessionOptions *options, OrtSession **session),
    (env, model, size, options, session))
API(9, Run,
    (OrtSession *session, const OrtRunOptions *options, const char *const *in_names, const OrtValue *const *in,
     size_t inputs,
     const char *const *out_names, size_t outputs, OrtValue **out),
    (session, options, in_names, in, inputs, out_names, outputs, out))
API(10, CreateSessionOptions, (OrtSessionOptions **options), (options))
API(14, EnableProfiling, (OrtSessionOptions *options, const char *prefix), (options, prefix))
API(17, DisableMemPattern, (OrtSessionOptions *options), (options))
API(19, DisableCpuMemArena, (OrtSessionOptions *options), (options))
API(23, SetSessionGraphOptimizationLevel, (OrtSessionOptions *options, int level), (options, level))
API(24, SetIntraOpNumThreads, (OrtSessionOptions *options, int threads), (options, threads))
API(26, CreateCustomOpDomain, (const char *domain, OrtCustomOpDomain **it), (domain, it))
API(27, CustomOpDomain_Add, (OrtCustomOpDomain *domain, const OrtCustomOp *op), (domain, op))
API(28, AddCustomOpDomain, (OrtSessionOptions *options, OrtCustomOpDomain *domain), (options, domain))
API(49, CreateTensorWithDataAsOrtValue,
    (const OrtMemoryInfo *info, void *data, size_t bytes, const int64_t *shape, size_t rank, int type,
     OrtValue **value),
    (info, data, bytes, shape, rank, type, value))
API(51, GetTensorMutableData, (OrtValue *value, void **data), (value, data))
API(60, GetTensorElementType, (const OrtTensorTypeAndShapeInfo *info, int *type), (info, type))
API(61, GetDimensionsCount, (const OrtTensorTypeAndShapeInfo *info, size_t *rank), (info, rank))
API(62, GetDimensions, (const OrtTensorTypeAndShapeInfo *info, int64_t *dims, size_t rank), (info, dims, rank))
API(65, GetTensorTypeAndShape, (const OrtValue *value, OrtTensorTypeAndShapeInfo **info), (value, info))
API(69, CreateCpuMemoryInfo, (int allocator, int memory, OrtMemoryInfo **info), (allocator, memory, info))
API(76, AllocatorFree, (OrtAllocator *allocator, void *p), (allocator, p))
API(78, GetAllocatorWithDefaultOptions, (OrtAllocator **allocator), (allocator))
API(88, KernelContext_GetInputCount, (const OrtKernelContext *context, size_t *count), (context, count))
API(89, KernelContext_GetOutputCount, (const OrtKernelContext *context, size_t *count), (context, count))
API(90, KernelContext_GetInput,
    (const OrtKernelContext *context, size_t index, const OrtValue **value), (context, index, value))
API(91, KernelContext_GetOutput,
    (OrtKernelContext *context, size_t index, const int64_t *shape, size_t rank, OrtValue **value),
    (context, index, shape, rank, value))
API(125, GetAvailableProviders, (char ***names, int *count), (names, count))
API(126, ReleaseAvailableProviders, (char **names, int count), (names, count))
API(130, AddSessionConfigEntry, (OrtSessionOptions *options, const char *key, const char *value), (options, key, value))
API(204, SessionOptionsAppendExecutionProvider_CUDA_V2,
    (OrtSessionOptions *options, const OrtCUDAProviderOptionsV2 *cuda),
    (options, cuda))
API(205, CreateCUDAProviderOptions, (OrtCUDAProviderOptionsV2 **cuda), (cuda))
API(206, UpdateCUDAProviderOptions,
    (OrtCUDAProviderOptionsV2 *cuda, const char *const *keys, const char *const *values, size_t count),
    (cuda, keys, values, count))
RELEASE(92, Env)
RELEASE(93, Status)
RELEASE(94, MemoryInfo)
RELEASE(95, Session)
RELEASE(96, Value)
RELEASE(99, TensorTypeAndShapeInfo)
RELEASE(100, SessionOptions)
RELEASE(101, CustomOpDomain)
ORDO_CALL(ordo_api, 208, void, ReleaseCUDAProviderOptions, (OrtCUDAProviderOptionsV2 * it), (it))
ORDO_CALL(ordo_api, 219, const void *const *, GetTrainingApi, (uint32_t version), (version))

// The training table in its order, but for four functions that ordo has a better way for: the two that read files by
// name (0 LoadCheckpoint, 2 CreateTrainingSession; we check bytes and hand in the bytes that we checked) and the linear
// learning-rate scheduler (14, 15; it starts at the full rate; schedules are Go's).
TRAINING(1, SaveCheckpoint, (OrtCheckpointState *state, const char *path, bool optimizer), (state, path, optimizer))
TRAINING(3, CreateTrainingSessionFromBuffer,
    (const OrtEnv *env, const OrtSessionOptions *options, OrtCheckpointState *state, const void *train,
     size_t train_size,
     const void *eval, size_t eval_size, const void *optimizer, size_t optimizer_size, OrtTrainingSession **session),
    (env, options, state, train, train_size, eval, eval_size, optimizer, optimizer_size, session))
TRAINING(4, TrainOutputCount, (const OrtTrainingSession *session, size_t *count), (session, count))
TRAINING(5, EvalOutputCount, (const OrtTrainingSession *session, size_t *count), (session, count))
TRAINING(6, TrainOutputName,
    (const OrtTrainingSession *session, size_t i, OrtAllocator *a, char **name), (session, i, a, name))
TRAINING(7, EvalOutputName,
    (const OrtTrainingSession *session, size_t i, OrtAllocator *a, char **name), (session, i, a, name))
TRAINING(8, LazyResetGrad, (OrtTrainingSession *session), (session))
TRAINING(9, TrainStep,
    (OrtTrainingSession *session, const OrtRunOptions *options, size_t inputs, const OrtValue *const *in,
     size_t outputs, OrtValue **out),
    (session, options, inputs, in, outputs, out))
TRAINING(10, EvalStep,
    (const OrtTrainingSession *session, const OrtRunOptions *options, size_t inputs, const OrtValue *const *in,
     size_t outputs, OrtValue **out),
    (session, options, inputs, in, outputs, out))
TRAINING(11, SetLearningRate, (OrtTrainingSession *session, float rate), (session, rate))
TRAINING(13, OptimizerStep, (OrtTrainingSession *session, const OrtRunOptions *options), (session, options))
TRAINING(16, GetParametersSize,
    (OrtTrainingSession *session, size_t *count, bool trainable), (session, count, trainable))
TRAINING(17, CopyParametersToBuffer,
    (OrtTrainingSession *session, OrtValue *buffer, bool trainable), (session, buffer, trainable))
TRAINING(18, CopyBufferToParameters,
    (OrtTrainingSession *session, OrtValue *buffer, bool trainable), (session, buffer, trainable))
TRAINING(21, ExportModelForInferencing,
    (OrtTrainingSession *session, const char *path, size_t outputs, const char *const *names),
    (session, path, outputs, names))
TRAINING(22, SetSeed, (int64_t seed), (seed))
TRAINING(23, TrainInputCount, (const OrtTrainingSession *session, size_t *count), (session, count))
TRAINING(27, AddProperty,
    (OrtCheckpointState *state, const char *name, int type, void *value), (state, name, type, value))
TRAINING(28, GetProperty,
    (const OrtCheckpointState *state, const char *name, OrtAllocator *a, int *type, void **value),
    (state, name, a, type, value))
TRAINING(29, LoadCheckpointFromBuffer, (const void *data, size_t size, OrtCheckpointState **state), (data, size, state))
TRAINING(30, GetParameterTypeAndShape,
    (const OrtCheckpointState *state, const char *name, OrtTensorTypeAndShapeInfo **info), (state, name, info))
TRAINING(31, UpdateParameter, (OrtCheckpointState *state, const char *name, OrtValue *value), (state, name, value))
TRAINING(32, GetParameter,
    (const OrtCheckpointState *state, const char *name, OrtAllocator *a, OrtValue **value), (state, name, a, value))
ORDO_CALL(ordo_training_api, 19, void, ReleaseTrainingSession, (OrtTrainingSession * it), (it))
ORDO_CALL(ordo_training_api, 20, void, ReleaseCheckpointState, (OrtCheckpointState * it), (it))
// clang-format on

// ordo_open loads the library and fills both tables; the training table stays null where the library was built without
// training. It returns null, or a static text that says what failed (dlerror's text where dlopen did).
const char *ordo_open(const char *path, const char **version);
void ordo_close(void);

// ordo_can_load says whether the loader finds a library by its name.
bool ordo_can_load(const char *name);

// One model output as the loss sees it: rows x columns values, and as many gradients to fill in.
typedef struct ordo_output {
  const float *data;
  float *grad;
  int64_t rows, columns;
} ordo_output;

// The operator ordo::Loss of one training session; handle names the Go function that it calls.
typedef struct ordo_loss_op {
  OrtCustomOp op;
  uintptr_t handle;
} ordo_loss_op;

void ordo_loss_op_init(ordo_loss_op *op, uintptr_t handle);

#endif
