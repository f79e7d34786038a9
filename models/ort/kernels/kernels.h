// What Go sees of the operators.
#ifndef ORDO_KERNELS_H
#define ORDO_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ordo_onednn_open loads oneDNN. It returns null, or a text that says what failed, to be freed.
char *ordo_onednn_open(const char *path, int version[3]);
void ordo_onednn_close(void);

// ordo_onednn_bf16 says whether the processor multiplies bfloat16 by itself.
int ordo_onednn_bf16(void);

// ordo_onednn_amx says whether it has matrix units for it.
int ordo_onednn_amx(void);

// ordo_vector_bits is the width of the vectors that the loops of this package use; ordo_limit_vectors lowers it (512,
// 256, or less for plain C++), for tests.
int ordo_vector_bits(void);
void ordo_limit_vectors(int bits);

// A convolution as oneDNN is asked for it.
typedef struct ordo_convolution {
  int64_t batch, channels, height, width, filters, groups;
  int64_t kernel[2], strides[2], pads[4], dilations[2];
  int bf16, bias, half;  // half: activations are stored in bfloat16
} ordo_convolution;

// ordo_convolution_check says how forward pass, gradient of the input and of the weights would be computed (text, to be
// freed); *fault is set where one of them has no fast way.
char *ordo_convolution_check(const ordo_convolution *c, int *fault);

// ordo_kernels_register adds the operators to a custom operator domain of ONNX Runtime, whose table of functions is
// api. What it gives must live as long as sessions with that domain, and then be released. Null: error is set, to be
// freed.
typedef struct ordo_kernels ordo_kernels;
ordo_kernels *ordo_kernels_register(const void *const *api, void *domain, int threads, char **error);
void ordo_kernels_release(ordo_kernels *kernels);

// ordo_kernels_scratch is the memory, in bytes, that the operators of a session hold beside ONNX Runtime's.
size_t ordo_kernels_scratch(const ordo_kernels *kernels);

#ifdef __cplusplus
}
#endif
#endif
