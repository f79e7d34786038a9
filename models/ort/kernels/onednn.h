// The part of oneDNN's C interface that the convolutions call, in our own words, and owners of its objects. The library
// is opened at run time; its functions are found by name. Its ABI is stable within version 3.
#ifndef ORDO_KERNELS_ONEDNN_H
#define ORDO_KERNELS_ONEDNN_H

#include <cstddef>
#include <cstdint>
#include <memory>

struct dnnl_engine;
struct dnnl_stream;
struct dnnl_memory;
struct dnnl_memory_desc;
struct dnnl_primitive;
struct dnnl_primitive_desc;
struct dnnl_primitive_attr;

namespace ordo {

constexpr int kMaxDims = 12;
using Dims = int64_t[kMaxDims];

struct DnnlVersion {
  int major, minor, patch;
};

struct DnnlArgument {
  int argument;
  dnnl_memory *memory;
};

enum { DNNL_CPU = 1, DNNL_BF16 = 2, DNNL_F32 = 3, DNNL_FORWARD_TRAINING = 64, DNNL_DIRECT = 1, DNNL_ANY = 1 };
enum { DNNL_ISA_AVX512_BF16 = 0xe7, DNNL_ISA_AVX512_AMX = 0xfef, DNNL_SCRATCHPAD_USER = 1 };
enum { DNNL_QUERY_INFO = 8, DNNL_QUERY_SRC = 129, DNNL_QUERY_DIFF_SRC, DNNL_QUERY_WEIGHTS, DNNL_QUERY_DIFF_WEIGHTS,
       DNNL_QUERY_DST, DNNL_QUERY_DIFF_DST, DNNL_QUERY_SCRATCHPAD = 136 };
enum { DNNL_SRC = 1, DNNL_DST = 17, DNNL_WEIGHTS = 33, DNNL_BIAS = 41, DNNL_SCRATCHPAD = 80 };
enum { DNNL_DIFF_SRC = 129, DNNL_DIFF_DST = 145, DNNL_DIFF_WEIGHTS = 161, DNNL_DIFF_BIAS = 169 };

// Name, result, parameters.
// clang-format off
#define ORDO_DNNL_FUNCTIONS(F)                                                                                        \
  F(version, const DnnlVersion *, ())                                                                                 \
  F(engine_create, int, (dnnl_engine **, int kind, size_t index))                                                     \
  F(engine_destroy, int, (dnnl_engine *))                                                                             \
  F(stream_create, int, (dnnl_stream **, dnnl_engine *, unsigned flags))                                              \
  F(stream_wait, int, (dnnl_stream *))                                                                                \
  F(stream_destroy, int, (dnnl_stream *))                                                                             \
  F(memory_desc_create_with_strides, int, (dnnl_memory_desc **, int rank, const Dims dims, int type,                  \
     const Dims strides))                                                                                             \
  F(memory_desc_create_with_tag, int, (dnnl_memory_desc **, int rank, const Dims dims, int type, int tag))            \
  F(memory_desc_destroy, int, (dnnl_memory_desc *))                                                                   \
  F(memory_desc_equal, int, (const dnnl_memory_desc *, const dnnl_memory_desc *))                                     \
  F(memory_desc_get_size, size_t, (const dnnl_memory_desc *))                                                         \
  F(memory_create, int, (dnnl_memory **, const dnnl_memory_desc *, dnnl_engine *, void *data))                        \
  F(memory_destroy, int, (dnnl_memory *))                                                                             \
  F(primitive_attr_create, int, (dnnl_primitive_attr **))                                                             \
  F(primitive_attr_set_scratchpad_mode, int, (dnnl_primitive_attr *, int mode))                                       \
  F(primitive_attr_destroy, int, (dnnl_primitive_attr *))                                                             \
  F(primitive_desc_query, int, (const dnnl_primitive_desc *, int what, int index, void *result))                      \
  F(primitive_desc_query_md, const dnnl_memory_desc *, (const dnnl_primitive_desc *, int what, int index))            \
  F(primitive_desc_destroy, int, (dnnl_primitive_desc *))                                                             \
  F(primitive_create, int, (dnnl_primitive **, const dnnl_primitive_desc *))                                          \
  F(primitive_execute, int, (const dnnl_primitive *, dnnl_stream *, int count, const DnnlArgument *))                 \
  F(primitive_destroy, int, (dnnl_primitive *))                                                                       \
  F(reorder_primitive_desc_create, int, (dnnl_primitive_desc **, const dnnl_memory_desc *from, dnnl_engine *,         \
     const dnnl_memory_desc *to, dnnl_engine *, const dnnl_primitive_attr *))                                         \
  F(convolution_forward_primitive_desc_create, int, (dnnl_primitive_desc **, dnnl_engine *, int kind, int algorithm,  \
     const dnnl_memory_desc *src, const dnnl_memory_desc *weights, const dnnl_memory_desc *bias,                      \
     const dnnl_memory_desc *dst, const Dims strides, const Dims dilates, const Dims left, const Dims right,          \
     const dnnl_primitive_attr *))                                                                                    \
  F(convolution_backward_data_primitive_desc_create, int, (dnnl_primitive_desc **, dnnl_engine *, int algorithm,      \
     const dnnl_memory_desc *diff_src, const dnnl_memory_desc *weights, const dnnl_memory_desc *diff_dst,             \
     const Dims strides, const Dims dilates, const Dims left, const Dims right, const dnnl_primitive_desc *forward,   \
     const dnnl_primitive_attr *))                                                                                    \
  F(convolution_backward_weights_primitive_desc_create, int, (dnnl_primitive_desc **, dnnl_engine *, int algorithm,   \
     const dnnl_memory_desc *src, const dnnl_memory_desc *diff_weights, const dnnl_memory_desc *diff_bias,            \
     const dnnl_memory_desc *diff_dst, const Dims strides, const Dims dilates, const Dims left, const Dims right,     \
     const dnnl_primitive_desc *forward, const dnnl_primitive_attr *))                                                \
  F(get_effective_cpu_isa, int, ())
// clang-format on

// Dnnl holds the functions of the one oneDNN that a process can open.
struct Dnnl {
#define F(name, result, parameters) result(*name) parameters;
  ORDO_DNNL_FUNCTIONS(F)
#undef F
  void (*omp_set_num_threads)(int);  // null where oneDNN was built without OpenMP
  dnnl_engine *engine;

  // alone keeps oneDNN from starting threads of its own under the calling one.
  void alone() const {
    if (omp_set_num_threads) omp_set_num_threads(1);
  }
};

extern Dnnl dnnl;

struct DnnlDelete {
  void operator()(dnnl_memory_desc *it) const { dnnl.memory_desc_destroy(it); }
  void operator()(dnnl_memory *it) const { dnnl.memory_destroy(it); }
  void operator()(dnnl_primitive_desc *it) const { dnnl.primitive_desc_destroy(it); }
  void operator()(dnnl_primitive_attr *it) const { dnnl.primitive_attr_destroy(it); }
  void operator()(dnnl_primitive *it) const { dnnl.primitive_destroy(it); }
  void operator()(dnnl_stream *it) const { dnnl.stream_destroy(it); }
};
template <class T>
using Owned = std::unique_ptr<T, DnnlDelete>;

}  // namespace ordo
#endif
